"""Processes under measurement: pinned starts, CPU time, memory, and what else the machine did."""
import ctypes
import os
import resource
import signal
import subprocess

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def raise_descriptor_limit():
    """As far as allowed; children inherit it. Returns the limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(hard, 65536), max(hard, 65536)))
    except (ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def choose_cpus():
    """(for the proxy, for load generator and mock); the same one twice on a single-core machine."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[min(1, len(allowed) - 1)]


def spawn(command, cpu, **streams):
    """Starts a command pinned to one CPU. It gets SIGTERM if we die, so nothing outlives a run."""

    def prepare():
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        os.sched_setaffinity(0, {cpu})

    return subprocess.Popen(command, preexec_fn=prepare, text=True, **streams)


def stop(process):
    """SIGINT: a fast end for nginx, an end without the drain notice for the gateway."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for stream in (process.stdin, process.stdout):
        if stream:
            stream.close()


def tree(pid):
    """The process and all its descendants."""
    children = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat") as file:
                parent = int(file.read().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(entry))
    found = [pid]
    for known in found:
        found += children.get(known, [])
    return found


def cpu_seconds(pids):
    """Time on a CPU of all threads, in nanosecond resolution (schedstat), as seconds."""
    total_ns = 0
    for pid in pids:
        try:
            for thread in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{thread}/schedstat") as file:
                    total_ns += int(file.read().split()[0])
        except OSError:
            continue
    return total_ns / 1e9


def pss_kb(pids):
    """Proportional set size: unlike RSS it counts pages that nginx's processes share only once."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            total += next(int(line.split()[1]) for line in file if line.startswith("Pss:"))
    return total


def machine_seconds():
    """Seconds of all CPUs since boot, from /proc/stat: busy, stolen by the host, and all."""
    with open("/proc/stat") as file:
        ticks = [int(field) for field in file.readline().split()[1:9]]
    user, nice, system, _idle, _iowait, irq, softirq, steal = ticks
    per_second = os.sysconf("SC_CLK_TCK")
    return {
        "busy": (user + nice + system + irq + softirq) / per_second,
        "steal": steal / per_second,
        "total": sum(ticks) / per_second,
    }
