"""What tracerctl says of itself: its help and its manual page."""

from __future__ import annotations

NAME = "tracerctl"
SUMMARY = "monitor what processes do in the kernel"
# Lines of at most 68 characters, so that the manual page does not break them on 80 columns.
DESCRIPTION = """\
Monitor processes with the tracer module: count, for each of them and
all its threads together, the calls of kmalloc, kfree, schedule, up,
down_interruptible, mutex_lock and mutex_unlock, and the bytes
allocated and freed."""
# Completion for zsh shows the first line of each of these.
RUN_DESCRIPTION = """\
Run a command and report what it did, with all that it started.
Each process is monitored from its first instruction to its end."""
ATTACH_DESCRIPTION = """\
Report what running processes do from now on.
They are monitored until all have ended, until Ctrl-C, or for a given
time, and then no longer."""
RECORD_DESCRIPTION = """\
Keep in a file what processes do over time.
That is a line for each process and interval, and at the end the exact
totals; with -- for a command and all that it starts, from before its
first instruction."""
REPORT_DESCRIPTION = """\
Show a recording as a page, or to a viewer of traces.
The page is one file that needs no network: a summary, a chart over
time for each column, a ranking of the processes, what was missed."""
TOP_DESCRIPTION = """\
Show all monitored processes and what they do, again and again.
Keys: q quits, p pauses, s sorts by the next column, t changes between
rates and totals, a adds a process, r removes one."""
RULES_DESCRIPTION = """\
Show what rules match now, and what is wrong with them.
A line says which rule it is, then each process has one of its own."""
EXAMPLES = """\
  tracerctl add 4242 4243       monitor two processes
  tracerctl add $(pidof nginx)  monitor all processes of a program
  tracerctl list                show what was counted
  tracerctl list --json 4242    show it to a program
  tracerctl remove 4242         stop
  tracerctl run -- make -j2     count what a command does, and all
                                processes that it starts
  tracerctl attach --timeout 10 4242
                                count for ten seconds
  tracerctl top                 watch what is monitored
  tracerctl record -- make      keep what a command does over time
  tracerctl report tracer.ndjson
                                make a page with charts of it
  tracerctl rules check         what the rules of the exporter match"""
RUN_EXAMPLES = """\
  tracerctl run -- ls -R /usr            a table of what ls did
  tracerctl run --sort kmalloc make -j2  every process of a build
  tracerctl run --json -o FILE -- ls     for a program"""
ATTACH_EXAMPLES = """\
  tracerctl attach 4242               until it ends, or Ctrl-C
  tracerctl attach --timeout 10 4242  ten seconds
  tracerctl attach --tree --per-second --interval 1 4242
                                      rates, again every second"""
TOP_EXAMPLES = """\
  tracerctl top --sort sched      who calls schedule most
  tracerctl top -b -n 10 -d 60    a table a minute, ten times"""
RECORD_EXAMPLES = """\
  tracerctl record -- make -j2        a build, to tracer.ndjson
  tracerctl record -o FILE --interval 10 4242 4243
                                      until they end, or Ctrl-C"""
REPORT_EXAMPLES = """\
  tracerctl report tracer.ndjson      writes report.html
  tracerctl report --perfetto tracer.ndjson -o trace.json
                                      for ui.perfetto.dev"""
RULES_EXAMPLES = """\
  tracerctl rules check                   all rules, as they count
  tracerctl rules check web.toml --json   one file, for a program"""

DONE_OR_NOT = """\
  0  everything was done
  1  something could not be done; a line on standard error says
     what, and the other processes were dealt with all the same
  2  wrong usage"""
AS_THE_COMMAND = """\
  run, and record of a command, exit as their command does, and die
  of the same signal; else
  125  tracer failed or was used wrongly; a line says why
  126  the command could not be executed
  127  there is no such command"""
EXIT_STATUS = ("exit status", DONE_OR_NOT)
RUN_EXIT_STATUS = ("exit status", AS_THE_COMMAND)
RECORD_EXIT_STATUS = (
    "exit status",
    """\
  0  of PIDs: everything was recorded
  1  of PIDs: something could not be recorded; a line says what

  With a COMMAND it exits as that does, and dies of the same signal;
  else
  125  tracer failed, or the file is not whole; a line says why
  126  the command could not be executed
  127  there is no such command

  Wrong usage is 125 in either case.""",
)
RULES_EXIT_STATUS = (
    "exit status",
    """\
  0  all files are in order, whatever they match
  1  something is wrong; a line on standard error says with which
     line of which file, and what to do
  2  wrong usage""",
)
RULES = (
    "rules",
    """\
  The files /etc/tracer/monitor.d/*.toml say which processes
  prometheus-tracer-exporter monitors, and as which group. Each table
  of a file is a group, named as the table is:

    [web]
    unit = "nginx.service"

    [build]
    command = "make"
    user = "ci"

  unit     a unit of systemd by its whole name: a service, a scope or
           a slice, with all that is in it
  cgroup   the path of a cgroup, with all that is in it
  command  the command name, as in /proc/PID/comm
  user     the real user id, as a name or a number

  What a group says has to hold altogether. All but user are patterns
  as the shell has for file names. With a process that is found by
  its command or user those that descend from it are of the group,
  too. Files are asked in the order of their names; the first rule
  that has a process keeps it. A file with a fault counts for
  nothing, the others do. It takes Python 3.11 or newer.""",
)
REPORT = (
    "report",
    """\
  A line for each process, in the order in which they ended, and the
  total. END is the exit status, the signal that killed the process,
  or "run" if it still runs. Of a process that by then was another
  user's, as by sudo, that and the counters are withheld: they show
  as "-".

  Lines below the table say which of these there were: processes lost
  because thousands ended at once, processes that could not be
  followed, processes withheld, samples that the kernel missed. With
  --json they are in the document, with --csv on standard error.""",
)
FORMATS = (
    "formats of reports",
    """\
  --csv  A line a process, and no total, so that a column can be
         summed. PID, the nine counters, parent, command, exit_status,
         signal, seconds; with --interval its number comes first. What
         is not known is empty.
  --json One document; with --interval one a line. "schema" is 1;
         "processes" has, by the names above, what --csv has, and
         "running" and "withheld"; "total" the sums; "seconds" the
         time; "lost", "missed" and "unfollowed" what is not in the
         numbers; after run "command", "exit_status" and "signal".""",
)
RECORDING = (
    "recordings",
    """\
  JSON, a document a line, in this order by "type":

  header    "schema" is 1; "begun", "kernel", "interval" in seconds,
            "command" or "pids"
  interval  what a process did in one: the counters by the names of
            their columns; "interval" is its number, "at" when it
            ended, "seconds" how long it was; "process" numbers the
            processes, for a PID can come again
  total     a process: the sums of its intervals, which are what the
            module counted, and what --json of run says of it;
            "withheld" or "lost" if the end of it is missing
  end       the sums of the totals; "lost", "missed", "unfollowed"

  Each interval is in the file when it is over. Ctrl-C is a normal
  end. On a full disk the file ends with a whole line, and what did
  not fit is tried again with each interval: if it fits by the end,
  nothing is lost. What was cut off can be reported on all the same.""",
)
FILES = (
    "files",
    """\
  /dev/tracer   the device; members of the group tracer may use it,
                for processes that are all their own
  /proc/tracer  the table that list reads
  /etc/tracer/monitor.d
                the rules of prometheus-tracer-exporter

  tracer(4) describes both, what may fail, and what memory it takes.""",
)
ENVIRONMENT = (
    "environment",
    """\
  NO_COLOR      if set and not empty, no colours""",
)
OVERHEAD = (
    "overhead",
    """\
  While nothing is monitored the kernel runs at full speed. While
  anything is, every process pays a little for each call of the
  seven functions.""",
)
CAVEATS = (
    "caveats",
    """\
  A process stays monitored until it is removed or its last thread
  has ended, whether or not tracerctl runs. The processes that it
  starts are monitored with it only by add --tree, attach --tree and
  run and record. A process is monitored once at a time: run within
  run fails.

  When the command of run has ended, processes that it started and
  that still run are reported with END "run", and are monitored no
  longer; --wait waits for them.

  On a narrow terminal large numbers are shortened (12.3M is about
  12,300,000); a pipe, a file and --json always get every digit.""",
)
SECTIONS = (
    ("exit status", f"{DONE_OR_NOT}\n\n{AS_THE_COMMAND}"),
    FILES,
    ENVIRONMENT,
    OVERHEAD,
    CAVEATS,
)
MANUAL = (
    (
        "examples",
        "\n\n".join(
            [
                *(EXAMPLES, RUN_EXAMPLES, ATTACH_EXAMPLES, TOP_EXAMPLES),
                *(RECORD_EXAMPLES, REPORT_EXAMPLES, RULES_EXAMPLES),
            ]
        ),
    ),
    *SECTIONS[:1],
    REPORT,
    FORMATS,
    RECORDING,
    RULES,
    *SECTIONS[1:],
)
