"""Limits for each student's server and kernels, by Linux's control groups, without systemd.

The hub calls `prepare` before it starts a student's server, `enter` in the new process, and `remove` after the end.
Documentation of control groups: https://docs.kernel.org/admin-guide/cgroup-v2.html, .../cgroup-v1/memory.html
"""

import ctypes
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

MB = 10**6
# What a student needs, beside shared libraries (bench/classroom.md, bench/results.md): at the end of the lecture, and when the
# first cells have run. The server takes 110 of it.
STUDENT = 550 * MB
START = 400 * MB
# What a student may use: the lecture and a second notebook, and the 30 % that kernels keep free. Only a mistake uses more.
STUDENT_LIMIT = 2000 * MB
# TensorFlow's library and Node, which all kernels share.
SHARED = 300 * MB
# The system, the hub and its proxy.
RESERVE = 1000 * MB
# Kept free for running cells when another student's server starts.
MARGIN = 1000 * MB
# A student's notebooks, saved networks, settings and history take 10 MB. The rest is room for own files.
HOME = 60 * MB

CLASS = "mnist-class"
KSM = Path("/sys/kernel/mm/ksm")
PR_SET_MEMORY_MERGE, PR_GET_MEMORY_MERGE = 67, 68

libc = ctypes.CDLL(None, use_errno=True)


class ShortOfMemory(Exception):
    """The machine has no room for another student, as a sentence for the student."""


class NoLimits(Exception):
    """Why a limit cannot be set, as the end of a sentence."""


# The hub's part


def prepare(student):
    """Makes the groups of a student. Raises ShortOfMemory if the machine has no room for the student."""
    refuse_if_short(student)
    for controller, (version, folder) in found().items():
        group = folder / student
        make_readable(group)
        if controller == "memory":
            limit_memory(version, group, STUDENT_LIMIT)


def enter(student):
    """Moves this process, and so all that it starts, into the student's groups. Called in the new process, as root."""
    for _version, folder in found().values():
        (folder / student / "cgroup.procs").write_text(str(os.getpid()))
    # Without a limit, Linux should end a student's process rather than the hub when memory runs out.
    Path("/proc/self/oom_score_adj").write_text("500")
    libc.prctl(PR_SET_MEMORY_MERGE, 1, 0, 0, 0)  # fails on Linux before 6.4: equal pages are then not merged


def remove(student):
    """Removes the groups of a student whose processes have ended."""
    for _version, folder in found().values():
        try:
            (folder / student).rmdir()
        except OSError:
            pass  # a process is still ending, or the groups are gone already


def environment(students):
    """The environment variables of a student's server."""
    variables = {"TF_NUM_INTRAOP_THREADS": str(threads(students)), "TF_NUM_INTEROP_THREADS": str(threads(students))}
    if "memory" in found():
        # Otherwise V8 would end a kernel at a quarter of the limit, before the kernel can stop the cell with a sentence.
        variables["NODE_OPTIONS"] = f"--max-old-space-size={STUDENT_LIMIT // 2**20}"
    return variables


def threads(students):
    """TensorFlow's threads in each kernel, if half of the class computes at a time."""
    cores = os.cpu_count() or 1
    return max(1, min(cores, 2 * cores // max(1, students)))


def refuse_if_short(student):
    """Raises ShortOfMemory if the machine has no room for another student to start, beside those who are starting.

    Nothing is kept for the end of the lecture: if memory becomes short, kernels stop the cells that take it.
    """
    sizes = [size for other, size in usage().items() if other != student]
    still_needed = sum(max(0, START - size) for size in sizes)
    if free() - still_needed < START + MARGIN:
        raise ShortOfMemory(
            f"The class server has no memory left for another student: {len(sizes)} are at work. Try again when "
            "somebody has left, or tell your teacher."
        )


def free():
    """What the class may still take: what the machine has left, and no more than the class's limit."""
    left = memory("MemAvailable")
    if "memory" in found():
        version, folder = found()["memory"]
        left = min(left, class_limit() - used(version, folder))
    return left


# For the teacher


def describe(students):
    """What limits hold, in sentences."""
    controllers, reasons = find()
    if "memory" in controllers:
        version, _folder = controllers["memory"]
        yield f"Each student may use {STUDENT_LIMIT // MB:,} MB of memory (control groups, version {version})."
    else:
        yield f"No limit of memory holds, so one student can use up the server's memory: {reasons['memory']}."
    if "cpu" in controllers:
        yield "Students share the cores evenly; who computes alone may use all of them."
    else:
        yield f"Nothing shares the cores evenly among students: {reasons['cpu']}."
    count = threads(students)
    yield f"TensorFlow computes with {count} {'thread' if count == 1 else 'threads'} in each kernel."
    yield share_equal_pages()


def shortages(students, homes):
    """What the machine lacks for a number of students, in sentences."""
    total = memory("MemTotal")
    room = total - SHARED - RESERVE
    if students * STUDENT > room:
        yield (
            f"This machine has {gigabytes(total)} of memory, which is enough for {max(0, room // STUDENT)} students at the end of "
            f"the lecture; {students} need {gigabytes(students * STUDENT + total - room)}. When memory is short, cells that take "
            "much are stopped with a sentence."
        )
    if students * START + MARGIN > room:
        yield (
            f"It has room for {max(0, (room - MARGIN) // START)} students who start at the same time. Further students are asked "
            "to wait."
        )
    needed, left = students * HOME, shutil.disk_usage(homes).free
    if needed > left:
        yield f"{homes} has {gigabytes(left)} free. The homes of {students} students need {gigabytes(needed)}: make room."


def share_equal_pages():
    """Lets Linux merge equal pages of the students' memory, such as the pixels of MNIST. Returns what happened, in a sentence."""
    try:
        if not merges_after_exec():
            raise OSError("that needs Linux 6.7 or newer")
        (KSM / "run").write_text("1")
        advisor = KSM / "advisor_mode"
        if advisor.exists():
            advisor.write_text("scan-time")  # scans as fast as the amount of memory needs (Linux 6.8)
        else:
            (KSM / "pages_to_scan").write_text("2000")
    except OSError as error:
        return f"Linux does not merge equal pages of the students' memory: {error}."
    return (
        "Linux merges equal pages of the students' memory (KSM), which saves a third of it after a minute. The price: by "
        "measuring how long writing takes, a student could find out whether another one's memory holds a page whose content "
        f"the student guesses. `echo 2 > {KSM}/run` turns merging off."
    )


# How it is done


def found():
    """The controllers that can be used: the version of control groups, and the folder of the class."""
    return find()[0]


@cache
def find():
    """The controllers that can be used, and for each other one the reason."""
    controllers, reasons = {}, {}
    for controller in ("memory", "cpu"):
        try:
            controllers[controller] = class_folder(controller)
        except NoLimits as reason:
            reasons[controller] = str(reason)
    return controllers, reasons


def class_folder(controller):
    """Makes the group of the class: at the top of the hierarchy, where it outlives the hub's session, or below this process."""
    version, mount, own = hierarchy(controller)
    problem = None
    for parent in dict.fromkeys([mount, own]):
        folder = parent / CLASS
        try:
            make_readable(folder)
            if version == 2:
                (parent / "cgroup.subtree_control").write_text(f"+{controller}")
                (folder / "cgroup.subtree_control").write_text(f"+{controller}")
            if controller == "memory":
                limit_memory(version, folder, class_limit())
            return version, folder
        except OSError as error:
            problem = problem or error
    raise NoLimits(f"the control group {mount} cannot be divided ({problem.strerror})")


def class_limit():
    """What all students together may use: they leave room for the hub."""
    return max(STUDENT, memory("MemTotal") - RESERVE)


def hierarchy(controller):
    """The version of the control groups that have a controller, the folder at their top, and the one of this process."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, after = line.split(" - ")
        root, mount = before.split()[3], Path(before.split()[4])
        kind, _source, options = after.split()
        if kind == "cgroup" and controller in options.split(","):
            version = 1
        elif kind == "cgroup2" and controller in (mount / "cgroup.controllers").read_text().split():
            version = 2
        else:
            continue
        return version, mount, mount / os.path.relpath(own_path(controller, version), root)
    raise NoLimits(f"this Linux offers no control groups for {controller}")


def own_path(controller, version):
    """The group of this process, as /proc/self/cgroup has it: hierarchy:controllers:path."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        number, controllers, path = line.split(":", 2)
        if number == "0" if version == 2 else controller in controllers.split(","):
            return path
    return "/"


def make_readable(group):
    """Makes a group that students can read, so that their kernels know the limit; the hub's umask would hide it."""
    group.mkdir(exist_ok=True)
    group.chmod(0o755)


def limit_memory(version, group, limit):
    """Limits memory, and turns swap off: otherwise a student would fill the swap before the limit holds."""
    if version == 2:
        (group / "memory.max").write_text(str(limit))
        if (group / "memory.swap.max").exists():
            (group / "memory.swap.max").write_text("0")
    else:
        (group / "memory.limit_in_bytes").write_text(str(limit))
        (group / "memory.swappiness").write_text("0")


def usage():
    """The memory of each student who has processes."""
    if "memory" not in found():
        return {}
    version, folder = found()["memory"]
    sizes = {}
    for group in folder.iterdir():
        try:
            if (group / "cgroup.procs").read_text():
                sizes[group.name] = used(version, group)
        except OSError:
            pass  # not a group, or removed since
    return sizes


def used(version, group):
    """The memory of a group, without files, which Linux can drop."""
    total, prefix = ("memory.current", "") if version == 2 else ("memory.usage_in_bytes", "total_")
    stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
    files = int(stat[f"{prefix}active_file"]) + int(stat[f"{prefix}inactive_file"])
    return int((group / total).read_text()) - files


def merges_after_exec():
    """Whether a program inherits that its pages may be merged."""
    ask = f"import ctypes; print(ctypes.CDLL(None).prctl({PR_GET_MEMORY_MERGE}, 0, 0, 0, 0))"
    done = subprocess.run(
        [sys.executable, "-I", "-c", ask],
        preexec_fn=lambda: libc.prctl(PR_SET_MEMORY_MERGE, 1, 0, 0, 0),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() == "1"


def memory(name):
    """A line of /proc/meminfo, in bytes."""
    lines = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    return int(lines[name].split()[0]) * 1024


def gigabytes(size):
    return f"{size / 10**9:.1f} GB"


if __name__ == "__main__":
    # python limits.py STUDENTS HOMES prints what holds, and what is missing.
    count, homes = int(sys.argv[1]), Path(sys.argv[2])
    print("\n".join([*describe(count), *shortages(count, homes)]))
