//! One keep-alive connection, opened again when the server closes it.

use std::io::{Error, ErrorKind, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub struct Connection {
    endpoint: String,
    stream: Option<TcpStream>,
    /// What came; emptied before every request.
    buffer: Vec<u8>,
}

pub struct Answer<'a> {
    pub status: u16,
    pub body: &'a [u8],
}

/// Where an answer's body ends.
enum End {
    /// Bytes from the start of the answer.
    At(usize),
    LastChunk,
    Close,
}

struct Head {
    status: u16,
    length: usize,
    end: End,
    keep_alive: bool,
}

fn malformed(what: &'static str) -> Error {
    Error::new(ErrorKind::InvalidData, what)
}

impl Connection {
    pub fn new(endpoint: &str) -> Self {
        Connection {
            endpoint: endpoint.to_owned(),
            stream: None,
            buffer: Vec::with_capacity(16 * 1024),
        }
    }

    /// Sends one request of HTTP/1.1 and reads its answer. Dropping the future closes the connection.
    pub async fn send(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => {
                let stream = TcpStream::connect(&self.endpoint).await?;
                stream.set_nodelay(true)?;
                stream
            }
        };
        stream.write_all(request).await?;
        self.buffer.clear();
        let head = loop {
            if stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            if let Some(head) = head(&self.buffer)? {
                break head;
            }
        };
        let closed = self.rest(&mut stream, &head).await?;
        if head.keep_alive && !closed {
            self.stream = Some(stream);
        }
        Ok(Answer {
            status: head.status,
            body: &self.buffer[head.length..],
        })
    }

    /// Reads to the end of the answer; true when the server closed the connection there.
    async fn rest(&mut self, stream: &mut TcpStream, head: &Head) -> Result<bool> {
        loop {
            let complete = match head.end {
                End::At(end) => self.buffer.len() >= end,
                End::LastChunk => self.buffer.ends_with(b"0\r\n\r\n"),
                End::Close => false,
            };
            if complete {
                return Ok(false);
            }
            if stream.read_buf(&mut self.buffer).await? == 0 {
                return match head.end {
                    End::Close => Ok(true),
                    _ => Err(ErrorKind::UnexpectedEof.into()),
                };
            }
        }
    }
}

/// None: more is to come.
fn head(bytes: &[u8]) -> Result<Option<Head>> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut response = httparse::Response::new(&mut headers);
    let length = match response.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(_) => return Err(malformed("the answer is not HTTP")),
    };
    let mut end = End::Close;
    let mut keep_alive = response.version == Some(1);
    for header in response.headers.iter() {
        let value = std::str::from_utf8(header.value).unwrap_or_default();
        if header.name.eq_ignore_ascii_case("content-length") {
            let body: usize = value.parse().map_err(|_| malformed("content-length"))?;
            end = End::At(length + body);
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            end = End::LastChunk;
        } else if header.name.eq_ignore_ascii_case("connection") {
            keep_alive = value.eq_ignore_ascii_case("keep-alive");
        }
    }
    Ok(Some(Head {
        status: response.code.ok_or_else(|| malformed("status"))?,
        length,
        end,
        keep_alive,
    }))
}
