//! Keeps one process of the endpoint running with the settings of the moment.
//!
//! New settings: the old process is asked to end, and a new one is started as soon as the old has ended, or after
//! [`HANDOVER`] beside it, when its port is free and it only finishes what it has. A process that ends by itself is
//! started again at once; one that cannot start, later and later.

use super::launch::Launch;
use super::process::{Ending, Process};
use crate::guc::gateway;
use std::time::{Duration, Instant};

/// A process that ended within this time could not start.
const START: Duration = Duration::from_secs(1);
/// Pause after the first such end, doubled each time up to the second value.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(30));
/// How long an old process may keep a new one waiting.
const HANDOVER: Duration = Duration::from_millis(500);
/// Time for a process to finish what it has, after which it is killed. The program itself takes 30 s at most.
const FINISH: Duration = Duration::from_secs(35);

struct Running {
    process: Process,
    launch: Launch,
    since: Instant,
}

struct Retired {
    process: Process,
    since: Instant,
}

pub struct Supervisor {
    wanted: Option<Launch>,
    running: Option<Running>,
    /// Processes that were asked to end.
    retired: Vec<Retired>,
    /// No start before this moment.
    not_before: Instant,
    failed_starts: u32,
    /// What the log was told last of settings that cannot be: it is told once.
    complaint: Option<String>,
}

impl Supervisor {
    pub fn new() -> Supervisor {
        Supervisor {
            wanted: None,
            running: None,
            retired: Vec::new(),
            not_before: Instant::now(),
            failed_starts: 0,
            complaint: None,
        }
    }

    /// Takes the settings as they are now. Settings that cannot be leave a running process as it is.
    pub fn configure(&mut self) {
        self.failed_starts = 0;
        self.not_before = Instant::now();
        self.complaint = None;
        if !self.take_settings() {
            return;
        }
        let Some(running) = &self.running else {
            return;
        };
        if Some(&running.launch) == self.wanted.as_ref() {
            running.process.reload();
        } else {
            pgrx::log!("pg_dynamo gateway: restarting it with new settings");
            self.retire();
        }
    }

    /// Whether the settings can be; if so they are wanted from now on.
    fn take_settings(&mut self) -> bool {
        match gateway::gateway()
            .map(|settings| Launch::of(&settings))
            .transpose()
        {
            Ok(wanted) => {
                self.wanted = wanted;
                true
            }
            Err(complaint) => {
                let consequence = match self.wanted {
                    Some(_) => "it goes on with the former settings",
                    None => "it is not started",
                };
                if self.complaint.as_ref() != Some(&complaint) {
                    pgrx::warning!("pg_dynamo gateway: {complaint}; {consequence}");
                }
                self.complaint = Some(complaint);
                false
            }
        }
    }

    /// Does what is due: notices ends, kills what takes too long, starts.
    pub fn step(&mut self) {
        self.reap();
        let now = Instant::now();
        if self.running.is_some() || now < self.not_before {
            return;
        }
        // Files that were missing may be there by now; until then the former settings have to do.
        if self.complaint.is_some() {
            if self.take_settings() {
                self.complaint = None;
            } else if self.wanted.is_none() {
                self.not_before = now + PAUSE.1;
                return;
            }
        }
        let port_is_held = self.retired.iter().any(|old| now - old.since < HANDOVER);
        if !port_is_held && let Some(launch) = self.wanted.clone() {
            self.start(launch);
        }
    }

    /// How long nothing will be due, unless a signal comes; None: for ever.
    pub fn idle(&self) -> Option<Duration> {
        let now = Instant::now();
        let mut due = Vec::new();
        if self.running.is_none() && (self.wanted.is_some() || self.complaint.is_some()) {
            due.push(self.not_before);
        }
        for old in &self.retired {
            due.extend(
                [old.since + HANDOVER, old.since + FINISH]
                    .iter()
                    .filter(|at| **at > now),
            );
        }
        due.iter().min().map(|at| at.saturating_duration_since(now))
    }

    /// Whether a process runs that the server's end should end.
    pub fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// The server is about to end: nothing is started any more.
    pub fn finish(&mut self) {
        self.wanted = None;
        self.complaint = None;
        self.retire();
    }

    /// Whether every process has ended.
    pub fn is_finished(&mut self) -> bool {
        self.reap();
        self.running.is_none() && self.retired.is_empty()
    }

    pub fn kill(&mut self) {
        for old in &self.retired {
            old.process.kill();
        }
    }

    fn retire(&mut self) {
        if let Some(Running { process, .. }) = self.running.take() {
            process.ask_to_end();
            let since = Instant::now();
            self.retired.push(Retired { process, since });
        }
    }

    fn reap(&mut self) {
        self.retired.retain_mut(|old| {
            if old.since.elapsed() > FINISH {
                old.process.kill();
            }
            old.process.ended().is_none()
        });
        if let Some(running) = &mut self.running
            && let Some(ending) = running.process.ended()
        {
            let (id, lifetime) = (running.process.id(), running.since.elapsed());
            self.running = None;
            self.ended(id, ending, lifetime);
        }
    }

    fn ended(&mut self, id: u32, ending: Ending, lifetime: Duration) {
        if lifetime < START && !ending.was_killed() {
            self.pause(&format!(
                "process {id} ended at once ({ending}; its own lines stand above)"
            ));
        } else {
            self.failed_starts = 0;
            self.not_before = Instant::now();
            pgrx::log!("pg_dynamo gateway: process {id} ended ({ending}): starting another");
        }
    }

    fn start(&mut self, launch: Launch) {
        match Process::start(&launch) {
            Ok(process) => {
                let (id, listen) = (process.id(), &launch.listen);
                pgrx::log!("pg_dynamo gateway: process {id} started for {listen}");
                let since = Instant::now();
                self.running = Some(Running {
                    process,
                    launch,
                    since,
                });
            }
            Err(error) => {
                let program = launch.program.display();
                self.pause(&format!("\"{program}\" cannot be started: {error}"));
            }
        }
    }

    fn pause(&mut self, reason: &str) {
        let pause = (PAUSE.0 * 2u32.pow(self.failed_starts.min(16))).min(PAUSE.1);
        self.failed_starts += 1;
        self.not_before = Instant::now() + pause;
        pgrx::warning!(
            "pg_dynamo gateway: {reason}; next attempt in {} s",
            pause.as_secs_f32()
        );
    }
}
