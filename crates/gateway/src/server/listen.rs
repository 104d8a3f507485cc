//! Where a server listens.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use tokio::net::TcpListener;

#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    #[error("{0}: {1}")]
    Resolve(String, io::Error),
    #[error("cannot listen on {0}: {1}")]
    Bind(String, io::Error),
}

/// One `host:port`, and the addresses it stands for.
#[derive(Clone, Debug)]
pub struct Listen {
    pub name: String,
    addresses: Vec<SocketAddr>,
}

impl Listen {
    /// Of names separated by commas. Port 0 is any free one.
    pub fn resolve_all(names: &str) -> Result<Vec<Listen>, ListenError> {
        names
            .split(',')
            .map(|name| {
                let name = name.trim().to_owned();
                match name.to_socket_addrs() {
                    Ok(addresses) => Ok(Listen {
                        addresses: addresses.collect(),
                        name,
                    }),
                    Err(error) => Err(ListenError::Resolve(name, error)),
                }
            })
            .collect()
    }

    /// Nobody on another machine can reach it.
    pub fn is_loopback(&self) -> bool {
        self.addresses.iter().all(|a| a.ip().is_loopback())
    }

    /// The first of its addresses that can be had.
    pub(super) async fn bind(&self) -> Result<(TcpListener, SocketAddr), ListenError> {
        let failed = |error| ListenError::Bind(self.name.clone(), error);
        let listener = TcpListener::bind(&self.addresses[..])
            .await
            .map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok((listener, address))
    }
}
