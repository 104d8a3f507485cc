//! Several requests in one call, each in its own right.

use super::meter::{Meter, step};
use super::request::{Prepared, Request};
use super::write::Bound;
use super::{Reply, Session};
use pg_dynamo_core::operation::Operation;
use pg_dynamo_core::{ApiError, Result};

/// One request as it arrived: the operation's name in the API, and the body.
pub type Arrived<'a> = (&'a str, &'a [u8]);

/// Answers every request, in their order.
///
/// All are parsed first. Then those that write one item run, in the order of table and key, so that two calls
/// that hold the same keys never wait for one another in a circle; of one key, in the order given. The others
/// follow in the order given. `begin` hears whose turn it is: an ERROR from then on is that request's.
pub fn run(
    session: &Session,
    requests: &[Arrived<'_>],
    begin: &dyn Fn(usize),
) -> Vec<Result<Reply>> {
    let mut parsed = Vec::with_capacity(requests.len());
    let mut answers: Vec<Option<Result<Reply>>> = Vec::with_capacity(requests.len());
    let mut meters = Vec::with_capacity(requests.len());
    for (place, (name, body)) in requests.iter().enumerate() {
        let operation = Operation::implemented(name);
        let mut meter = operation.as_ref().ok().copied().and_then(Meter::new);
        let request = operation
            .and_then(|operation| step(session, &mut meter, || parse(session, operation, body)));
        meters.push(meter);
        answers.push(match request {
            Ok(request) => {
                parsed.push((place, request));
                None
            }
            Err(error) => Some(Err(error)),
        });
    }
    let mut writes: Vec<(usize, Bound)> = Vec::new();
    let mut others: Vec<(usize, Request)> = Vec::new();
    for (place, request) in parsed {
        begin(place);
        match step(session, &mut meters[place], || request.prepare(session)) {
            Ok(Prepared::Write(write)) => writes.push((place, write)),
            Ok(Prepared::Other(other)) => others.push((place, other)),
            Err(error) => answers[place] = Some(Err(error)),
        }
    }
    writes.sort_by(|(_, one), (_, other)| one.place().cmp(&other.place()));
    for (place, write) in &writes {
        begin(*place);
        let reply = step(session, &mut meters[*place], || write.reply());
        answers[*place] = Some(reply);
    }
    for (place, other) in others {
        begin(place);
        let reply = step(session, &mut meters[place], || other.run(session));
        answers[place] = Some(reply);
    }
    let missing = || Err(ApiError::internal("a request without an answer"));
    let answers: Vec<_> = answers
        .into_iter()
        .map(|answer| answer.unwrap_or_else(missing))
        .collect();
    for (meter, answer) in meters.iter().zip(&answers) {
        if let Some(meter) = meter {
            meter.end(answer.as_ref().map(|reply| reply.consumed));
        }
    }
    answers
}

fn parse(session: &Session, operation: Operation, body: &[u8]) -> Result<Request> {
    let body = std::str::from_utf8(body).map_err(|_| ApiError::serialization(""))?;
    Request::parse(session, operation, body)
}
