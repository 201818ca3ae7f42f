"""Counters of groups of processes for Prometheus: what prometheus-tracer-exporter is made of.

`ledger` keeps the numbers, `watch` finds processes by rule and reads them, `metrics` shows them,
`service` does so again and again.
"""
