//! Memory of the server's processes, from /proc.

use std::fs;

/// Private memory in KiB of the gateway, and of the backends that serve it, together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resident {
    pub gateway: u64,
    pub backends: u64,
    pub number_of_backends: u64,
}

impl Resident {
    /// Now, with the backends among the children of `postmaster`.
    pub fn of(gateway: u32, postmaster: u32) -> Resident {
        let children = fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = children.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let backends = pids.filter(|pid: &u32| serves_gateway(*pid, postmaster));
        let mut now = Resident {
            gateway: private(gateway).unwrap_or(0),
            ..Resident::default()
        };
        for size in backends.filter_map(private) {
            now.backends += size;
            now.number_of_backends += 1;
        }
        now
    }
}

/// A line "NAME:  VALUE ..." of /proc/PID/status.
fn status(pid: u32, name: &str) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Shared memory, which a backend touches page by page, is not its own.
fn private(pid: u32) -> Option<u64> {
    status(pid, "RssAnon")
}

fn serves_gateway(pid: u32, postmaster: u32) -> bool {
    let title = || fs::read_to_string(format!("/proc/{pid}/cmdline")).ok();
    status(pid, "PPid") == Some(postmaster.into())
        && title().is_some_and(|title| title.contains(" dynamo_gateway "))
}
