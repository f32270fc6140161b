//! The listener: it takes connections while there are files for them.

use crate::lifecycle;
use axum::extract::connect_info::Connected;
use axum_server::{AddrListener, Address};
use std::{io, net::SocketAddr, sync::Arc};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};

/// Connections that were ended and still hold their files, at most. They are of what is kept back for all else.
const CLOSING: usize = 8;

/// The other end of a connection.
#[derive(Clone, Copy)]
pub struct Peer(SocketAddr);

impl Connected<Peer> for SocketAddr {
    fn connect_info(peer: Peer) -> SocketAddr {
        peer.0
    }
}

impl Address for Peer {
    type Stream = Taken;
    type Listener = Door;
}

/// Takes connections while there are files for them. One that has made room for another keeps its file until its task has
/// had its turn: thousands a second are faster than that.
#[derive(Debug)]
pub struct Door {
    listener: TcpListener,
    files: Arc<Semaphore>,
}

/// A connection that was taken, with the place of its file.
pub struct Taken {
    pub(super) stream: TcpStream,
    pub(super) place: OwnedSemaphorePermit,
}

impl Door {
    /// `share` is how many connections the open files allow.
    pub fn new(listener: TcpListener, share: usize) -> Door {
        Door { listener, files: Arc::new(Semaphore::new(share + CLOSING)) }
    }
}

impl AddrListener<Taken, Peer> for Door {
    async fn bind_to(address: Peer) -> io::Result<Door> {
        Ok(Door::new(TcpListener::bind(address.0).await?, lifecycle::connection_share()))
    }

    async fn accept_stream(&self) -> io::Result<(Taken, Peer)> {
        let place = self.files.clone().acquire_owned().await.map_err(io::Error::other)?;
        let (stream, peer) = self.listener.accept().await?;
        Ok((Taken { stream, place }, Peer(peer)))
    }

    fn get_local_addr(&self) -> io::Result<Peer> {
        self.listener.local_addr().map(Peer)
    }
}
