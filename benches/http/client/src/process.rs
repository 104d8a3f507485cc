//! CPU time of processes, from /proc.

use std::collections::HashMap;
use std::fs;

/// Clock ticks a second of /proc/PID/stat, fixed at 100 on Linux.
const TICKS: f64 = 100.0;

/// Seconds of CPU that each living process has used, user and system, by process.
pub struct Times(HashMap<u32, (u32, f64)>);

impl Times {
    pub fn now() -> Times {
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        Times(pids.filter_map(|pid: u32| Some((pid, of(pid)?))).collect())
    }

    /// Seconds that `root` and its descendants have used since `before`. Processes that have ended are not counted.
    pub fn since(&self, before: &Times, root: u32) -> f64 {
        let used = |pid: &u32, seconds: f64| {
            let earlier = before.0.get(pid).map_or(0.0, |(_, s)| *s);
            seconds - earlier
        };
        let family = self.0.iter().filter(|(pid, _)| self.descends(**pid, root));
        family.map(|(pid, (_, seconds))| used(pid, *seconds)).sum()
    }

    fn descends(&self, mut pid: u32, root: u32) -> bool {
        while pid != root {
            match self.0.get(&pid) {
                Some((parent, _)) if *parent != 0 => pid = *parent,
                _ => return false,
            }
        }
        true
    }
}

/// (parent, seconds)
fn of(pid: u32) -> Option<(u32, f64)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may hold anything; the fields after it are numbers. The first of them is the third.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |n: usize| fields.get(n - 3)?.parse::<f64>().ok();
    let parent = fields.get(1)?.parse().ok()?;
    Some((parent, (number(14)? + number(15)?) / TICKS))
}
