"""The peers of the bench: what they are told, what they say, and what is made of it."""

from __future__ import annotations

import signal

import pytest

from tracer_lab.bench import vocabulary
from tracer_lab.in_bench.peers import bpftrace, ftrace_hist, perf, systemtap
from tracer_lab.in_bench.peers.catalogue import PEERS
from tracer_lab.in_bench.peers.counting import Session, Target, judge, symbols_of
from tracer_lab.in_bench.peers.tool import PeerError, running

TARGET = Target((7, 8), {"kmalloc": ["__kmalloc", "kmalloc_trace"], "up": ["up"]})
PROBED = {
    "__kmalloc": "kmalloc",
    "kmalloc_trace": "kmalloc",
    "kfree": "kfree",
    "schedule": "schedule",
    "up": "up",
    "down_interruptible": "down_interruptible",
    "mutex_lock": "mutex_lock",
    "mutex_unlock": "mutex_unlock",
    "kvfree_call_rcu": "kfree_rcu",
}


def shell(script: str) -> list[str]:
    return ["sh", "-c", script]


def test_each_function_that_tracer_counts_has_its_symbols_and_no_other_function_is_taken() -> None:
    found = symbols_of(PROBED)
    assert found["kmalloc"] == ["__kmalloc", "kmalloc_trace"]
    assert "kvfree_call_rcu" not in [name for symbols in found.values() for name in symbols]


def test_a_function_that_tracer_does_not_probe_is_named() -> None:
    with pytest.raises(PeerError, match="no probe of up"):
        symbols_of({symbol: name for symbol, name in PROBED.items() if name != "up"})


def test_bpftrace_counts_by_function_and_process() -> None:
    ours = "/pid == 7 || pid == 8/"
    assert bpftrace.counting_script("kprobe", TARGET) == (
        f"kprobe:__kmalloc,kprobe:kmalloc_trace {ours} {{ @kmalloc[pid] = count(); }}\n"
        f"kprobe:up {ours} {{ @up[pid] = count(); }}\n"
    )


def test_what_bpftrace_counted_is_summed_over_processes() -> None:
    said = (
        "Attaching 3 probes...\n__BPFTRACE_NOTIFY_PROBES_ATTACHED\n\n\n@up[7]: 1000\n@up[8]: 2\n"
        "@kfree_mem[7]: 768\n@schedule: 5\n@size[-1099]: 64\n"
    )
    assert bpftrace.parse_maps(said) == {"up": 1002, "kfree_mem": 768, "schedule": 5}


def test_a_trigger_of_ftrace_filters_by_pid() -> None:
    expected = "hist:keys=common_pid if common_pid == 7 || common_pid == 8"
    assert ftrace_hist.trigger(TARGET) == expected


def test_the_hits_of_a_histogram_are_those_of_its_rows() -> None:
    said = (
        "# event histogram\n#\n# trigger info: hist:keys=common_pid:vals=hitcount [active]\n#\n\n"
        "{ common_pid:          7 } hitcount:       1000\n"
        "{ common_pid:          8 } hitcount:          2\n\n"
        "Totals:\n    Hits: 1002\n    Entries: 2\n    Dropped: 0\n"
    )
    assert ftrace_hist.parse_hist(said) == 1002


def test_what_perf_counted_is_read_by_event() -> None:
    said = (
        "Events disabled\nEvents enabled\n1000,,tracer_bench:call_of_up,1234,100.00,,\n"
        "<not counted>,,kmem:kfree,0,100.00,,\n"
    )
    assert perf.parse_counts(said) == {"tracer_bench:call_of_up": 1000, "kmem:kfree": 0}


def test_an_event_that_perf_cannot_count_is_an_error() -> None:
    with pytest.raises(PeerError, match="kmem:kfree: <not supported>"):
        perf.parse_counts("<not supported>,,kmem:kfree,0,100.00,,\n")


def test_the_script_for_systemtap_has_the_functions_of_all_others() -> None:
    text = systemtap.script()
    assert all(f"@{function}[%d]" in text for function in symbols_of(PROBED))


@pytest.mark.parametrize(("counted", "right"), [(999, False), (1000, True), (1001, True)])
def test_a_peer_has_to_have_counted_all_calls_of_the_process(counted: int, right: bool) -> None:
    session = Session({"up": counted})
    if right:
        judge("peer", session, {"up": 1000}, monitored=True)
    else:
        with pytest.raises(PeerError, match="peer counted 999 of 1000 in up"):
            judge("peer", session, {"up": 1000}, monitored=True)


def test_a_peer_that_counts_another_process_may_not_count_this_one() -> None:
    judge("peer", Session({"up": 3}), {"up": 1000}, monitored=False)
    with pytest.raises(PeerError, match="counted 1000 in up of another process"):
        judge("peer", Session({"up": 1000}), {"up": 1000}, monitored=False)


def test_a_tool_is_waited_for_and_its_last_words_are_heard() -> None:
    counts = "trap 'echo counted; exit 0' INT; echo ready; while :; do sleep 0.01; done"
    with running(shell(counts)) as tool:
        tool.wait_for("ready")
        assert tool.interrupt() == "ready\ncounted\n"


def test_a_tool_that_ends_before_it_is_ready_says_why() -> None:
    with (
        running(shell("echo usage; echo 'ERROR: no BTF'; echo bye; exit 3")) as tool,
        pytest.raises(PeerError, match="sh ended with status 3: ERROR: no BTF"),
    ):
        tool.wait_for("ready")


def test_a_tool_that_fails_at_its_end_has_counted_nothing() -> None:
    with running(shell("trap 'exit 4' INT; echo ready; while :; do sleep 0.01; done")) as tool:
        tool.wait_for("ready")
        with pytest.raises(PeerError, match="sh ended with status 4"):
            tool.interrupt()


def test_a_tool_is_gone_after_the_block() -> None:
    with running(shell("echo ready; exec sleep 600")) as tool:
        tool.wait_for("ready")
        process = tool._process
        assert process.poll() is None
    assert process.returncode == -signal.SIGKILL


def test_a_tool_that_is_not_installed_is_named() -> None:
    with pytest.raises(PeerError, match="there is no tracer-no-such-tool here"):
        running(["tracer-no-such-tool"]).__enter__()


def test_no_two_peers_have_one_name() -> None:
    names = [peer.name for peer in PEERS]
    assert len(set(names)) == len(names)


def test_every_peer_has_a_row_in_the_tables() -> None:
    assert {peer.name for peer in PEERS} == set(vocabulary.PEERS)
