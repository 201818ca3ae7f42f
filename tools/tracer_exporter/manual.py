"""What prometheus-tracer-exporter says of itself: its help and its manual page."""

from __future__ import annotations

NAME = "prometheus-tracer-exporter"
SUMMARY = "Prometheus exporter of kernel calls by groups of processes"
# Lines of at most 68 characters, so that the manual page does not break them on 80 columns.
DESCRIPTION = """\
Monitor the processes that rules name, with the tracer module, and
show to Prometheus what each group of them asks of the kernel: calls
of kmalloc, kfree, schedule, up, down_interruptible, mutex_lock and
mutex_unlock, and the bytes allocated and freed."""
EXAMPLES = """\
  sudo systemctl enable --now prometheus-tracer-exporter
                                run it, now and at each boot
  tracerctl rules check         what it monitors by its rules
  sudo systemctl reload prometheus-tracer-exporter
                                have it read the rules again
  curl http://127.0.0.1:10042/metrics
                                see what Prometheus sees"""
RULES = (
    "rules",
    """\
  The files /etc/tracer/monitor.d/*.toml, as tracerctl(1) describes
  them. A process that a rule names is monitored from when it is
  found, at most an interval after it began; what it starts from then
  on, from its first instruction, and is of the same group wherever
  it goes. A process is of one group. One that another program
  monitors, as tracerctl does, is left to that and not counted. Where
  /proc is mounted with hidepid, command and user find nothing, but
  unit and cgroup do.

  SIGHUP has the rules read again. A file with a fault is named with
  the line and goes on as it was before, or counts for nothing; the
  other files do. A group whose rule has changed keeps its totals.""",
)
METRICS = (
    "metrics",
    """\
  Each with the label group:

  tracer_kmalloc_calls_total       tracer_kmalloc_bytes_total
  tracer_kfree_calls_total         tracer_kfree_bytes_total
  tracer_schedule_calls_total
  tracer_semaphore_up_calls_total  tracer_semaphore_down_calls_total
  tracer_mutex_lock_calls_total    tracer_mutex_unlock_calls_total
      What all processes of the group did while they were monitored,
      those that have ended, too. They begin with 0 at the start of
      the exporter and only grow.
  tracer_group_processes
      How many processes of the group are monitored now.

  Without labels:

  tracer_up    1 if the module is loaded and could be read, else 0
  tracer_missed_samples_total
      Calls that the kernel could not report. While it does not grow
      the numbers are exact.
  tracer_lost_records_total
      Processes that ended while 4096 others of the group waited to be
      read: what they did since their last row is not in the totals.
  tracer_unfollowed_processes_total
      Processes of trees, of whomever, that could not be monitored.

  tracer_module_info is 1, with the labels version and engine.

  With --per-process the nine counters are there for each process that
  runs, too, as tracer_process_kmalloc_calls_total and so on, with the
  labels group, pid and command; and tracer_series_dropped_total, the
  series of processes that came when there was no room.""",
)
TEXTFILE = (
    "for node-exporter",
    """\
  With --textfile the page goes to that file every 15 seconds, for the
  textfile collector of prometheus-node-exporter; nothing listens. The
  file is gone when the exporter ends. The service may not write there
  by itself: 'systemctl edit prometheus-tracer-exporter', and add

    [Service]
    ReadWritePaths=/var/lib/prometheus/node-exporter
    SupplementaryGroups=GROUP

  with a group that may write there.""",
)
MODULE = (
    "the module",
    """\
  Without the module the page says tracer_up 0 and the totals so far;
  when it is loaded again, the exporter finds its processes again.
  While it monitors processes the module cannot be unloaded. To change
  to a newer one:

    sudo systemctl stop prometheus-tracer-exporter
    sudo modprobe -r tracer && sudo modprobe tracer
    sudo systemctl start prometheus-tracer-exporter

  At its end the exporter monitors its processes no longer. If it is
  killed they stay monitored; the one that systemd starts next takes
  them over.""",
)
SECURITY = (
    "security",
    """\
  The service runs as a user of its own that exists only meanwhile, in
  the group tracer, with the capability CAP_PERFMON alone, by which it
  may monitor the processes of others. It listens on 127.0.0.1, to
  whoever is on this machine: the page is not secret to them. For
  others put a server with TLS and passwords before it.""",
)
COST = (
    "cost",
    """\
  Of the exporter itself, with 50 groups: for 10, 1000 and 10000
  processes 1.4, 10 and 92 ms of processor time a scrape, 4 to 5 ms to
  look for them by unit, 0.2, 15 and 154 ms by command or user, 26, 31
  and 40 MB of memory, and 26 to 29 kB a scrape; 880 kB with 1000
  processes by --per-process. The kernel takes memory for each
  process, and for 256 more a group that has any: tracer(4).""",
)
EXIT_STATUS = (
    "exit status",
    """\
  0  it was told to stop
  1  it could not begin; a line on standard error says why
  2  wrong usage""",
)
FILES = (
    "files",
    """\
  /etc/tracer/monitor.d/*.toml  the rules
  /etc/tracer/exporter.conf     options of the service: ARGS="..."
  /usr/share/prometheus-tracer-exporter
                                alerts for Prometheus, a dashboard
                                for Grafana""",
)
SECTIONS = (RULES, METRICS, TEXTFILE, MODULE, SECURITY, COST, EXIT_STATUS, FILES)
