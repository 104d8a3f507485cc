//! `pg_dynamo_gateway`: the endpoint as a program.

fn main() {}
