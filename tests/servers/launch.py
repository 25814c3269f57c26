"""Becomes a server that dies with its holder. Run by path: `launch.py HOLDER USER GROUP GUARD SIGNAL PROGRAM ...`.

It is a program of its own, and not a function given to fork, because a fork in the midst of threads may
hang, and because it may have to become another user first. It needs only the standard library. It refuses
to start a server whose holder is gone already.

Standard input is the holder's lifeline: a pipe that ends when the holder does, however that comes about.
The guard `kernel` (Linux only) has the kernel pass the death on; the guard `watch` (anywhere) leaves a small
process that waits at the end of the pipe. The signal is what ends the server: INT or TERM.
"""

# All that is needed must be loaded as the first user: the second may not be able to read this Python.
import ctypes
import os
import signal
import sys

KEEP_USER = "-"
KERNEL, WATCH = "kernel", "watch"
PR_SET_PDEATHSIG = 1
LIFELINE = 0


def become(user: str, group: str) -> None:
    """Drop root's rights for good."""
    if user == KEEP_USER:
        return
    os.setgroups([])
    os.setgid(int(group))
    os.setuid(int(user))


def die_with_parent(end: signal.Signals) -> None:
    """Have the kernel send the signal to this process, and what it becomes, when the thread that started it ends."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, end) != 0:
        raise OSError(ctypes.get_errno(), "the kernel refuses to pass on the holder's death (prctl)")


def leave_a_watch(end: signal.Signals) -> None:
    """Leave a process behind that sends the signal to this one when the lifeline ends without a word."""
    server = os.getpid()
    between = os.fork()
    if between:
        # PostgreSQL must not inherit a child that it does not know.
        os.waitpid(between, 0)
        return
    if os.fork():
        os._exit(0)
    word = os.read(LIFELINE, 1)
    if not word:
        os.kill(server, end)
    os._exit(0)


def main(holder: str, user: str, group: str, guard: str, end: str, *command: str) -> None:
    """Turn into the server."""
    become(user, group)
    if guard == KERNEL:
        # After the change of user, which makes the kernel forget the wish.
        die_with_parent(signal.Signals[f"SIG{end}"])
    else:
        leave_a_watch(signal.Signals[f"SIG{end}"])
    if os.getppid() != int(holder):
        raise SystemExit("the process that wanted this server has ended; not starting it")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, LIFELINE)
    os.execv(command[0], command)  # noqa: S606 - to become the server is the point; there is no shell to go through


if __name__ == "__main__":
    main(*sys.argv[1:])
