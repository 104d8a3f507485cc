//! Several requests in one call, each in its own right.

use super::meter::{Meter, step};
use super::request::{Prepared, Request};
use super::{Reply, Session, get_item, write};
use crate::storage::memory::Scratch;
use pg_dynamo_core::operation::Operation;
use pg_dynamo_core::{ApiError, Result};
use std::time::Instant;

/// One request as it arrived: the operation's name in the API, and the body.
pub type Arrived<'a> = (&'a str, &'a [u8]);

/// Answers every request, in their order.
///
/// All are parsed first. Then those that write one item run, in the order of table and key, so that two calls
/// that hold the same keys never wait for one another in a circle; of one key, in the order given. Those that read one
/// item go through their tables in the same order, a pass for each. The others follow in the order given. `begin` hears
/// whose turn it is: an ERROR from then on is that request's.
pub fn run(
    session: &Session,
    requests: &[Arrived<'_>],
    begin: &dyn Fn(usize),
) -> Vec<Result<Reply>> {
    let mut call = Call {
        session,
        begin,
        scratch: Scratch::new(c"dynamo request"),
        tasks: Vec::with_capacity(requests.len()),
    };
    let parsed = call.parse(requests);
    let work = call.prepare(parsed);
    call.write(work.writes);
    call.read(work.reads);
    for (place, other) in work.others {
        call.step(place, |session| other.run(session));
    }
    call.finish()
}

struct Call<'a> {
    session: &'a Session,
    begin: &'a dyn Fn(usize),
    /// What one step leaves behind goes when it is over.
    scratch: Scratch,
    tasks: Vec<Task>,
}

struct Task {
    meter: Option<Meter>,
    answer: Option<Result<Reply>>,
}

#[derive(Default)]
struct Work {
    writes: Vec<(usize, write::Bound)>,
    reads: Vec<(usize, get_item::Bound)>,
    others: Vec<(usize, Request)>,
}

impl Call<'_> {
    fn parse(&mut self, requests: &[Arrived<'_>]) -> Vec<(usize, Request)> {
        let mut parsed = Vec::with_capacity(requests.len());
        for (place, (name, body)) in requests.iter().enumerate() {
            let operation = Operation::implemented(name);
            let mut meter = operation.as_ref().ok().copied().and_then(Meter::new);
            let request = operation.and_then(|operation| {
                step(self.session, &mut meter, || {
                    parse(self.session, operation, body)
                })
            });
            let answer = match request {
                Ok(request) => {
                    parsed.push((place, request));
                    None
                }
                Err(error) => Some(Err(error)),
            };
            self.tasks.push(Task { meter, answer });
        }
        parsed
    }

    fn prepare(&mut self, parsed: Vec<(usize, Request)>) -> Work {
        let mut work = Work::default();
        for (place, request) in parsed {
            (self.begin)(place);
            let task = &mut self.tasks[place];
            let session = self.session;
            let prepared = self
                .scratch
                .run(|| step(session, &mut task.meter, || request.prepare(session)));
            match prepared {
                Ok(Prepared::Write(write)) => work.writes.push((place, write)),
                Ok(Prepared::Read(read)) => work.reads.push((place, read)),
                Ok(Prepared::Other(other)) => work.others.push((place, other)),
                Err(error) => task.answer = Some(Err(error)),
            }
        }
        work
    }

    /// Runs what answers the request at `place`.
    fn step(&mut self, place: usize, answer: impl FnOnce(&Session) -> Result<Reply>) {
        (self.begin)(place);
        let task = &mut self.tasks[place];
        let session = self.session;
        let reply = self
            .scratch
            .run(|| step(session, &mut task.meter, || answer(session)));
        task.answer = Some(reply);
    }

    fn write(&mut self, mut writes: Vec<(usize, write::Bound)>) {
        writes.sort_by(|(_, one), (_, other)| one.place().cmp(&other.place()));
        for (place, write) in &writes {
            self.step(*place, |_| write.reply());
        }
    }

    fn read(&mut self, mut reads: Vec<(usize, get_item::Bound)>) {
        reads.sort_by(|(_, one), (_, other)| one.place().cmp(&other.place()));
        for group in reads.chunk_by(|(_, one), (_, other)| one.place().0 == other.place().0) {
            if !self.read_in_one_pass(group) {
                for (place, read) in group {
                    self.step(*place, |_| read.reply());
                }
            }
        }
    }

    /// Reads of one table. False: nothing was done, this table is to be read by statements.
    fn read_in_one_pass(&mut self, group: &[(usize, get_item::Bound)]) -> bool {
        let begin = self.begin;
        let Call { scratch, tasks, .. } = self;
        let whose_turn = |at: usize| {
            if let Some((place, _)) = group.get(at) {
                begin(*place);
            }
        };
        whose_turn(0);
        let mut began = Instant::now();
        let reads: Vec<_> = group.iter().map(|(_, read)| read).collect();
        scratch.run(|| {
            get_item::in_one_pass(&reads, &mut |at, reply| {
                let task = &mut tasks[group[at].0];
                if let Some(meter) = &mut task.meter {
                    meter.lap(&mut began);
                }
                task.answer = Some(reply);
                whose_turn(at + 1);
            })
        })
    }

    fn finish(self) -> Vec<Result<Reply>> {
        let answers = self.tasks.into_iter().map(|task| {
            let missing = || Err(ApiError::internal("a request without an answer"));
            let answer = task.answer.unwrap_or_else(missing);
            if let Some(meter) = &task.meter {
                meter.end(answer.as_ref().map(|reply| reply.consumed));
            }
            answer
        });
        answers.collect()
    }
}

fn parse(session: &Session, operation: Operation, body: &[u8]) -> Result<Request> {
    let body = std::str::from_utf8(body).map_err(|_| ApiError::serialization(""))?;
    Request::parse(session, operation, body)
}
