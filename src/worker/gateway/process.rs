//! A process of the endpoint: started so that nothing of the server's but its log goes with it.

use super::launch::Launch;
use std::fs::read_dir;
use std::io;
use std::os::fd::RawFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};

/// Signals have numbers from 1 to this one; the real-time signals after them Postgres leaves alone.
const LAST_SIGNAL: i32 = 31;

pub struct Process {
    /// Its stdin is a pipe that nobody writes: the program reads its end when this process is gone.
    child: Child,
}

impl Process {
    /// Err when it cannot be started at all: there is no such program, or it may not be executed.
    pub fn start(launch: &Launch) -> io::Result<Process> {
        let inherited = open_descriptors();
        let mut command = Command::new(&launch.program);
        command
            .arg("--supervised")
            .env_clear()
            .envs(launch.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(io::stderr())
            .stderr(Stdio::inherit())
            // The postmaster signals whole groups: SIGQUIT to this worker is not for the program.
            .process_group(0);
        // SAFETY: this process has one thread, so the copy that fork made may do what a process may; it only makes
        // system calls.
        unsafe {
            command.pre_exec(move || {
                default_signals();
                close_on_exec(&inherited);
                Ok(())
            });
        }
        command.spawn().map(|child| Process { child })
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it ended; None while it runs.
    pub fn ended(&mut self) -> Option<Ending> {
        match self.child.try_wait() {
            Ok(None) => None,
            Ok(Some(status)) => Some(Ending(Some(status))),
            Err(_) => Some(Ending(None)),
        }
    }

    /// Has it read its files again.
    pub fn reload(&self) {
        self.signal(libc::SIGHUP);
    }

    /// Has it finish what it does, and end. Its pipe stays open: the pipe's end would be a second request, which does not
    /// wait for what is under way.
    pub fn ask_to_end(&self) {
        self.signal(libc::SIGTERM);
    }

    pub fn kill(&self) {
        self.signal(libc::SIGKILL);
    }

    fn signal(&self, signal: i32) {
        // SAFETY: a child that was not waited for yet (`ended` answers once), so the number is still its own.
        unsafe { libc::kill(self.child.id() as libc::pid_t, signal) };
    }
}

/// How a process ended; None where the system does not say.
#[derive(Clone, Copy)]
pub struct Ending(Option<ExitStatus>);

impl Ending {
    /// Somebody ended it; it did not fail.
    pub fn was_killed(&self) -> bool {
        self.0
            .is_some_and(|status| status.signal() == Some(libc::SIGKILL))
    }
}

impl std::fmt::Display for Ending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(status) => status.fmt(f),
            None => f.write_str("status unknown"),
        }
    }
}

/// Postgres ignores and handles signals in its own way; ignored ones would stay ignored in the program.
fn default_signals() {
    for signal in 1..=LAST_SIGNAL {
        // SAFETY: two signals refuse this, which does no harm.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    // SAFETY: a set of this frame.
    unsafe {
        let mut none = std::mem::zeroed();
        libc::sigemptyset(&mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &none, std::ptr::null_mut());
    }
}

/// Everything but stdin, stdout and stderr closes when the program takes over: files of the server, its sockets, the
/// pipe by which it watches the postmaster. Descriptors that std itself opened (its pipe for exec's failure) stay open until then.
fn close_on_exec(inherited: &[RawFd]) {
    // SAFETY: marks descriptors of this process; by number where the kernel is too old for the range.
    unsafe {
        let (first, last) = (3 as libc::c_uint, libc::c_uint::MAX);
        if libc::syscall(
            libc::SYS_close_range,
            first,
            last,
            libc::CLOSE_RANGE_CLOEXEC,
        ) == 0
        {
            return;
        }
        for descriptor in inherited {
            libc::fcntl(*descriptor, libc::F_SETFD, libc::FD_CLOEXEC);
        }
    }
}

fn open_descriptors() -> Vec<RawFd> {
    let Ok(entries) = read_dir("/proc/self/fd") else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|descriptor| *descriptor > 2)
        .collect()
}
