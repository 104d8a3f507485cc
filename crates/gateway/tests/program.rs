//! The program as it is started: its flags, its log and its end. There is no database behind it.

use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Output, Stdio};

const NO_DATABASE: &str = "host=/nonexistent user=nobody dbname=nothing";

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pg_dynamo_gateway"));
    command
        .env_clear()
        .args(arguments)
        .stdin(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

struct Program {
    child: Child,
    stderr: BufReader<std::process::ChildStderr>,
    log: String,
    endpoint: String,
    metrics: String,
}

impl Program {
    /// Waits until it listens.
    fn start(arguments: &[&str]) -> Program {
        let mut all = vec![
            "--auth",
            "none",
            "--role",
            "app",
            "--listen",
            "127.0.0.1:0",
            "--metrics-listen",
            "127.0.0.1:0",
            "--conninfo",
            NO_DATABASE,
        ];
        all.extend(arguments);
        let mut child = command(&all).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let mut program = Program {
            child,
            stderr,
            log: String::new(),
            endpoint: String::new(),
            metrics: String::new(),
        };
        program.metrics = program.wait_for("metrics address=");
        program.endpoint = program.wait_for("listening on http://");
        program
    }

    /// The rest of the first line that has `text` in it.
    fn wait_for(&mut self, text: &str) -> String {
        loop {
            let mut line = String::new();
            let n = self.stderr.read_line(&mut line).unwrap();
            assert!(n > 0, "it ended: {}", self.log);
            self.log.push_str(&line);
            if let Some((_, rest)) = line.split_once(text) {
                return rest.trim_end().to_owned();
            }
        }
    }

    fn ask(&self, address: &str, request: &str) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn get(&self, address: &str, path: &str) -> String {
        let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
        self.ask(address, &request)
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Everything it logged; panics unless it ended well.
    fn ended(mut self) -> String {
        self.stderr.read_to_string(&mut self.log).unwrap();
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}: {}", self.log);
        self.log
    }
}

fn refused(arguments: &[&str]) -> String {
    let Output { status, stderr, .. } = command(arguments).output().unwrap();
    assert!(!status.success());
    String::from_utf8(stderr).unwrap()
}

#[test]
fn sigterm_ends_it_in_order() {
    let program = Program::start(&[]);
    assert!(
        program
            .get(&program.endpoint, "/")
            .contains("healthy: pg_dynamo ")
    );
    program.signal(Signal::TERM);
    let log = program.ended();
    assert!(log.contains("not authenticated"), "{log}");
    assert!(log.contains("stopped finished=true"), "{log}");
}

#[test]
fn under_a_supervisor_it_ends_when_standard_input_does() {
    let mut program = Program::start(&["--supervised"]);
    drop(program.child.stdin.take());
    assert!(program.ended().contains("the supervisor is gone"));
}

#[test]
fn without_a_database_it_lives_but_is_not_ready() {
    let program = Program::start(&[]);
    assert!(
        program
            .get(&program.metrics, "/health")
            .starts_with("HTTP/1.1 200")
    );
    assert!(
        program
            .get(&program.metrics, "/ready")
            .starts_with("HTTP/1.1 503")
    );
    let answer = program.ask(
        &program.endpoint,
        "POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\nx-amz-target: DynamoDB_20120810.ListTables\r\n\
         content-type: application/x-amz-json-1.0\r\ncontent-length: 2\r\n\r\n{}",
    );
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(answer.contains("ServiceUnavailableException"), "{answer}");
    let metrics = program.get(&program.metrics, "/metrics");
    for line in [
        "pg_dynamo_gateway_requests_total{operation=\"ListTables\"} 1",
        "pg_dynamo_gateway_connections_accepted_total 1",
        "# EOF",
    ] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
    program.signal(Signal::INT);
    program.ended();
}

#[test]
fn neither_items_nor_credentials_are_logged() {
    let program = Program::start(&["--log", "trace", "--log-format", "text"]);
    let answer = program.ask(
        &program.endpoint,
        "POST /?X-Amz-Signature=HUSH HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\
         x-amz-target: DynamoDB_20120810.GetItem\r\nauthorization: AWS4 Credential=HUSH Signature=HUSH\r\n\
         x-amz-security-token: HUSH\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: 14\r\n\r\n{\"Key\":\"HUSH\"}",
    );
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    program.signal(Signal::TERM);
    let log = program.ended();
    assert!(log.contains("answered"), "{log}");
    assert!(log.contains("GetItem"), "{log}");
    assert!(!log.contains("HUSH"), "{log}");
}

#[test]
fn what_cannot_be_is_refused_with_a_reason() {
    for (arguments, reason) in [
        (&["--auth", "none"][..], "--role"),
        (
            &["--auth", "none", "--role", "a", "--listen", "0.0.0.0:0"],
            "loopback",
        ),
        (&["--tls-cert", "a"], "--tls-key"),
        (
            &["--tls-cert", "/nowhere", "--tls-key", "/nowhere"],
            "/nowhere",
        ),
        (&["--conninfo", "host=a password=secret"], "password"),
        (&["--listen", "nonsense"], "nonsense"),
        (&["--log", "a=b=c"], "--log"),
        (&["--pool-size", "0"], "pool-size"),
    ] {
        let said = refused(arguments);
        assert!(said.contains(reason), "{arguments:?}: {said}");
        assert!(!said.contains("secret"), "{said}");
    }
}

#[test]
fn passwords_of_the_environment_are_not_shown_in_the_help() {
    let output = command(&["--help"])
        .env("PG_DYNAMO_CONNINFO", "host=a password=secret")
        .output()
        .unwrap();
    assert!(output.status.success());
    assert!(!String::from_utf8(output.stdout).unwrap().contains("secret"));
}
