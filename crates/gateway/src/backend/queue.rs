//! Who is served next: the requests that wait, and how many sessions each kind of work may hold.
//!
//! Pure bookkeeping under one short lock; it knows sessions only as numbers and bells. The rules:
//!
//! - One call holds requests of one role and one lane. Roles take turns; between lanes the oldest request goes first.
//! - A role's lane starts a second call at once, a third only when its oldest request has waited a while: while calls
//!   are under way, waiting costs nothing and makes the next call fuller.
//! - Writes, and what travels alone, leave sessions for small reads; no role's lane takes more than half of them.
//! - The queue is bounded. A role may hold as much as is left free, so that one that floods the queue fills half of it
//!   and the next finds room.

use super::lane::{LANES, Lane};
use super::{Reply, Request};
use crate::metrics::Depths;
use pg_dynamo_core::ApiError;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Notify, oneshot};

/// A request in the queue, or in a call.
#[derive(Debug)]
pub struct Waiting {
    pub request: Request,
    pub reply: oneshot::Sender<Reply>,
    pub arrived: Instant,
    pub weight: usize,
    /// A session was lost under it before.
    pub lost: bool,
}

impl Waiting {
    /// Nobody waits for the answer any more.
    fn vanished(&self) -> bool {
        self.reply.is_closed()
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Requests in a call, in GetItems.
    pub call_weight: usize,
    /// Bytes of bodies in a call; a single request may be larger.
    pub call_bytes: usize,
    /// Calls that a role's lane starts without waiting.
    pub parallel: usize,
    /// How long a request waits before its lane starts another one.
    pub patience: Duration,
    /// Requests and bytes of bodies that wait.
    pub queued: usize,
    pub queued_bytes: usize,
    /// How long requests wait for a server that cannot be reached.
    pub grace: Duration,
}

/// Requests that make up one call.
#[derive(Debug)]
pub struct Batch {
    pub lane: Lane,
    pub role: Arc<str>,
    pub requests: Vec<Waiting>,
}

/// What a session without work shall do.
#[derive(Debug)]
pub enum Work {
    Call(Batch),
    /// Show that PostgreSQL answers.
    Ping(Vec<oneshot::Sender<()>>),
}

/// What a change of the queue asks of its caller, once the lock is gone.
#[derive(Debug, Default)]
pub enum Then {
    #[default]
    Nothing,
    /// This session has work.
    Ring(Arc<Notify>),
    /// Look again at this time.
    Pace(Instant),
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    under_way: usize,
}

#[derive(Debug, Default)]
struct Role {
    lanes: [Queue; LANES],
    queued: usize,
    bytes: usize,
}

#[derive(Debug)]
pub struct Scheduler {
    limits: Limits,
    roles: HashMap<Arc<str>, Role>,
    /// Per lane the roles with something waiting, in the order of their turns.
    turns: [VecDeque<Arc<str>>; LANES],
    /// Calls under way per lane.
    busy: [usize; LANES],
    /// Sessions that are open.
    live: usize,
    idle: Vec<(usize, Arc<Notify>)>,
    /// Sessions that were rung, or have just finished, and have not asked for work yet.
    waking: usize,
    /// Somebody will look again.
    pacing: bool,
    queued: usize,
    queued_bytes: usize,
    pings: Vec<oneshot::Sender<()>>,
    /// Since when no session is open.
    dark: Option<Instant>,
    /// When requests whose clients have gone were last looked for.
    swept: Option<Instant>,
    closing: bool,
    /// Requests that were dropped because nobody waited for them.
    vanished: u64,
}

impl Scheduler {
    pub fn new(limits: Limits, now: Instant) -> Scheduler {
        Scheduler {
            limits,
            roles: HashMap::new(),
            turns: Default::default(),
            busy: [0; LANES],
            live: 0,
            idle: Vec::new(),
            waking: 0,
            pacing: false,
            queued: 0,
            queued_bytes: 0,
            pings: Vec::new(),
            dark: Some(now),
            swept: None,
            closing: false,
            vanished: 0,
        }
    }

    // --- requests ------------------------------------------------------------------------------------

    /// Err: the request is not taken, for this reason.
    pub fn push(&mut self, waiting: Waiting, lane: Lane) -> Result<Then, ApiError> {
        let now = waiting.arrived;
        if self.closing {
            return Err(ApiError::service_unavailable(
                "The endpoint is shutting down.",
            ));
        }
        if self.dark_for(now) > self.limits.grace {
            return Err(unreachable_error());
        }
        if !self.has_room(&waiting) {
            self.sweep(now);
            if !self.has_room(&waiting) {
                return Err(ApiError::throttling("Too many requests are waiting."));
            }
        }
        self.enqueue(waiting, lane, false);
        Ok(self.rouse(now))
    }

    /// Puts requests of a call back in front of all others of their role, in their order. They were counted when they
    /// came, so there is no limit to this.
    pub fn put_back(&mut self, requests: Vec<Waiting>, lane: Lane, now: Instant) -> Then {
        for waiting in requests.into_iter().rev() {
            self.enqueue(waiting, lane, true);
        }
        self.rouse(now)
    }

    fn has_room(&self, waiting: &Waiting) -> bool {
        let (queued, bytes) = self
            .roles
            .get(&waiting.request.role)
            .map_or((0, 0), |role| (role.queued, role.bytes));
        let size = waiting.request.body.len();
        queued < self.limits.queued.saturating_sub(self.queued)
            && bytes + size <= self.limits.queued_bytes.saturating_sub(self.queued_bytes)
    }

    fn enqueue(&mut self, waiting: Waiting, lane: Lane, front: bool) {
        let size = waiting.request.body.len();
        let name = waiting.request.role.clone();
        self.queued += 1;
        self.queued_bytes += size;
        let role = self.roles.entry(name.clone()).or_default();
        role.queued += 1;
        role.bytes += size;
        let queue = &mut role.lanes[lane as usize];
        if queue.waiting.is_empty() {
            self.turns[lane as usize].push_back(name);
        }
        if front {
            queue.waiting.push_front(waiting);
        } else {
            queue.waiting.push_back(waiting);
        }
    }

    /// Looking through a full queue takes its time, under a lock that all sessions need: not for every refusal.
    fn sweep(&mut self, now: Instant) {
        const PAUSE: Duration = Duration::from_millis(10);
        if self.swept.is_none_or(|swept| now >= swept + PAUSE) {
            self.swept = Some(now);
            self.drop_vanished();
        }
    }

    fn drop_vanished(&mut self) {
        let all: Vec<Arc<str>> = self.roles.keys().cloned().collect();
        for name in all {
            for lane in Lane::ALL {
                self.retain(&name, lane, |waiting| !waiting.vanished());
            }
        }
    }

    /// Keeps only what `keep` says; gives the rest.
    fn retain(
        &mut self,
        name: &Arc<str>,
        lane: Lane,
        keep: impl Fn(&Waiting) -> bool,
    ) -> Vec<Waiting> {
        let Some(role) = self.roles.get_mut(name) else {
            return Vec::new();
        };
        let queue = &mut role.lanes[lane as usize].waiting;
        if queue.iter().all(&keep) {
            return Vec::new();
        }
        let mut dropped = Vec::new();
        for waiting in std::mem::take(queue) {
            if keep(&waiting) {
                queue.push_back(waiting);
            } else {
                dropped.push(waiting);
            }
        }
        if queue.is_empty() {
            self.turns[lane as usize].retain(|other| other != name);
        }
        for waiting in &dropped {
            role.queued -= 1;
            role.bytes -= waiting.request.body.len();
            self.queued -= 1;
            self.queued_bytes -= waiting.request.body.len();
            self.vanished += u64::from(waiting.vanished());
        }
        dropped
    }

    /// Requests that waited too long for a server that cannot be reached, or all when the endpoint ends.
    pub fn expired(&mut self, now: Instant) -> Vec<Waiting> {
        let mut out = Vec::new();
        if self.live > 0 {
            return out;
        }
        let (grace, closing) = (self.limits.grace, self.closing);
        let all: Vec<Arc<str>> = self.roles.keys().cloned().collect();
        for name in all {
            for lane in Lane::ALL {
                out.extend(self.retain(&name, lane, |waiting| {
                    !closing && now.duration_since(waiting.arrived) <= grace
                }));
            }
        }
        out
    }

    fn dark_for(&self, now: Instant) -> Duration {
        self.dark
            .map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }

    // --- sessions -------------------------------------------------------------------------------------

    /// A session is open; it will ask for work now.
    pub fn opened(&mut self) {
        self.live += 1;
        self.waking += 1;
        self.dark = None;
    }

    /// A session that was asking for work is gone.
    pub fn closed(&mut self, id: usize, now: Instant) -> Then {
        let before = self.idle.len();
        self.idle.retain(|(other, _)| *other != id);
        if self.idle.len() == before {
            self.waking -= 1;
        }
        self.live -= 1;
        if self.live == 0 {
            self.dark = Some(now);
        }
        self.rouse(now)
    }

    /// Work for a session that was rung, opened or has finished, and what else is to be done. None: it is idle now.
    pub fn take(&mut self, id: usize, bell: &Arc<Notify>, now: Instant) -> (Option<Work>, Then) {
        self.waking -= 1;
        let work = self.choose(now);
        if work.is_none() {
            self.idle.push((id, bell.clone()));
        }
        (work, self.rouse(now))
    }

    /// The call has ended; its session will ask for work next.
    pub fn finish(&mut self, batch: &Batch) {
        self.count(batch, |n| *n -= 1);
        let unused = |role: &Role| role.queued == 0 && role.lanes.iter().all(|l| l.under_way == 0);
        if self.roles.get(&batch.role).is_some_and(unused) {
            self.roles.remove(&batch.role);
        }
        self.waking += 1;
    }

    /// A session answered a ping and will ask for work next.
    pub fn pinged(&mut self) {
        self.waking += 1;
    }

    /// Takes no more requests.
    pub fn close(&mut self, now: Instant) -> Then {
        self.closing = true;
        self.rouse(now)
    }

    /// The session may end: nothing waits and nothing will come.
    pub fn over(&self) -> bool {
        self.closing && self.queued == 0
    }

    pub fn ping(&mut self, heard: oneshot::Sender<()>, now: Instant) -> Then {
        self.pings.push(heard);
        self.rouse(now)
    }

    pub fn live(&self) -> usize {
        self.live
    }

    pub fn depths(&self) -> Depths {
        let mut depths = Depths {
            vanished: self.vanished,
            ..Depths::default()
        };
        for role in self.roles.values() {
            for (i, queue) in role.lanes.iter().enumerate() {
                depths.waiting[i] += queue.waiting.len();
                depths.under_way[i] += queue.under_way;
            }
        }
        depths
    }

    // --- the choice -----------------------------------------------------------------------------------

    /// Rings one session when there is work for it; that one rings the next.
    fn rouse(&mut self, now: Instant) -> Then {
        if self.waking > 0 || self.idle.is_empty() {
            return Then::Nothing;
        }
        if !self.pings.is_empty() || self.over() || self.next(now).is_some() {
            let Some((_, bell)) = self.idle.pop() else {
                return Then::Nothing;
            };
            self.waking += 1;
            return Then::Ring(bell);
        }
        if self.pacing {
            return Then::Nothing;
        }
        self.next_look().map_or(Then::Nothing, |at| {
            self.pacing = true;
            Then::Pace(at)
        })
    }

    /// The time that [`Then::Pace`] named has come.
    pub fn look_again(&mut self, now: Instant) -> Then {
        self.pacing = false;
        self.rouse(now)
    }

    fn choose(&mut self, now: Instant) -> Option<Work> {
        if !self.pings.is_empty() {
            return Some(Work::Ping(std::mem::take(&mut self.pings)));
        }
        while let Some((lane, turn)) = self.next(now) {
            if let Some(batch) = self.cut(lane, turn) {
                self.count(&batch, |n| *n += 1);
                return Some(Work::Call(batch));
            }
        }
        None
    }

    /// The lane whose next request is the oldest of those that may start now, and the place of its role.
    fn next(&self, now: Instant) -> Option<(Lane, usize)> {
        let candidates = Lane::ALL.iter().filter_map(|&lane| {
            let turns = &self.turns[lane as usize];
            turns.iter().enumerate().find_map(|(turn, name)| {
                let queue = &self.roles.get(name)?.lanes[lane as usize];
                let head = queue.waiting.front()?;
                let may = self.may_start(lane, queue)
                    && (queue.under_way < self.parallel(lane)
                        || now >= head.arrived + self.limits.patience);
                may.then_some((head.arrived, lane, turn))
            })
        });
        let (_, lane, turn) = candidates.min_by_key(|(arrived, ..)| *arrived)?;
        Some((lane, turn))
    }

    /// When the first request that only patience holds back has waited long enough.
    fn next_look(&self) -> Option<Instant> {
        let held = [Lane::Read, Lane::Write].into_iter().flat_map(|lane| {
            let turns = &self.turns[lane as usize];
            turns.iter().filter_map(move |name| {
                let queue = &self.roles.get(name)?.lanes[lane as usize];
                let head = queue.waiting.front()?;
                self.may_start(lane, queue).then_some(head.arrived)
            })
        });
        held.min().map(|arrived| arrived + self.limits.patience)
    }

    /// Requests that travel alone gain nothing from waiting.
    fn parallel(&self, lane: Lane) -> usize {
        if lane.is_alone() {
            usize::MAX
        } else {
            self.limits.parallel
        }
    }

    /// Whether the shares of sessions allow one more such call.
    fn may_start(&self, lane: Lane, queue: &Queue) -> bool {
        let live = self.live;
        let busy = |which: fn(Lane) -> bool| -> usize {
            let lanes = Lane::ALL.iter().filter(|lane| which(**lane));
            lanes.map(|lane| self.busy[*lane as usize]).sum()
        };
        let half = (live / 2).max(1);
        let most_of_half = (half * 3 / 4).max(1);
        if lane == Lane::Read {
            return queue.under_way < half;
        }
        let for_reads = (live / 4).max(2).min(live / 2);
        let for_small_reads = (live / 8).max(1);
        queue.under_way < if lane.is_alone() { most_of_half } else { half }
            && (!lane.writes() || busy(Lane::writes) < (live - for_reads).max(1))
            && (!lane.is_alone() || busy(Lane::is_alone) < half)
            && (lane != Lane::WriteAlone || self.busy[lane as usize] < most_of_half)
            && busy(|lane| lane != Lane::Read) < live.saturating_sub(for_small_reads).max(1)
    }

    fn count(&mut self, batch: &Batch, change: impl Fn(&mut usize)) {
        if let Some(role) = self.roles.get_mut(&batch.role) {
            change(&mut role.lanes[batch.lane as usize].under_way);
        }
        change(&mut self.busy[batch.lane as usize]);
    }

    /// Takes a call's requests from a role's lane; the role's next turn comes after all others. None: all who asked
    /// are gone.
    fn cut(&mut self, lane: Lane, turn: usize) -> Option<Batch> {
        let name = self.turns[lane as usize].remove(turn)?;
        let role = self.roles.get_mut(&name)?;
        let queue = &mut role.lanes[lane as usize].waiting;
        let most = if lane.is_alone() {
            1
        } else {
            self.limits.call_weight
        };
        let mut requests = Vec::with_capacity(queue.len().min(most));
        let (mut weight, mut bytes) = (0, 0);
        while let Some(head) = queue.front() {
            let size = head.request.body.len();
            let full = weight + head.weight > most || bytes + size > self.limits.call_bytes;
            if full && !requests.is_empty() {
                break;
            }
            let Some(waiting) = queue.pop_front() else {
                break;
            };
            role.queued -= 1;
            role.bytes -= size;
            self.queued -= 1;
            self.queued_bytes -= size;
            if waiting.vanished() {
                self.vanished += 1;
                continue;
            }
            weight += waiting.weight;
            bytes += size;
            requests.push(waiting);
        }
        if !queue.is_empty() {
            self.turns[lane as usize].push_back(name.clone());
        }
        (!requests.is_empty()).then_some(Batch {
            lane,
            role: name,
            requests,
        })
    }
}

pub fn unreachable_error() -> ApiError {
    ApiError::service_unavailable("The database cannot be reached.")
}

#[cfg(test)]
mod tests;
