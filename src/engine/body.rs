//! A body as it comes, its content codings undone: piece by piece, each layer bounded.

use super::{
    failure::{self, Failure},
    probe::MAX_BODY,
    shortage,
    trace::Stage,
};
use crate::domain::class::Class;
use async_compression::{
    tokio::bufread::{BrotliDecoder, GzipDecoder, ZlibDecoder, ZstdDecoder},
    zstd::DParameter,
};
use bytes::{Bytes, BytesMut};
use futures::TryStreamExt;
use reqwest::{
    Response,
    header::{self, HeaderMap},
};
use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, BufReader, ReadBuf},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_util::io::StreamReader;

/// Codings one above the other; more is an attack.
const MAX_CODINGS: usize = 3;
const PIECE: usize = 16 * 1024;
/// zstd asks for at most this much memory: 2^23 bytes.
const ZSTD_WINDOW_LOG: u32 = 23;

/// How a body is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

/// Why a body ended early.
#[derive(Debug)]
pub struct Broken {
    pub failure: Failure,
    pub detail: String,
}

/// The layers below need more than is read.
#[derive(Debug, thiserror::Error)]
#[error("more than {MAX_BODY} bytes")]
struct TooMuch;

/// What is left of an answer.
pub enum Body {
    Plain(Response),
    Coded {
        reader: Pin<Box<dyn AsyncRead + Send>>,
        /// A place among the few that may be expanding costly codings.
        _place: Option<OwnedSemaphorePermit>,
    },
}

impl Body {
    /// Begins to read what came under these headers. br and zstd, which are never asked for, wait for one of `places`:
    /// their windows cost memory.
    ///
    /// # Errors
    /// [`Class::DecodeFailure`] where the codings are too many.
    pub async fn of(response: Response, headers: &HeaderMap, places: &Arc<Semaphore>) -> Result<Body, Broken> {
        let codings = codings(headers);
        if codings.is_empty() {
            return Ok(Body::Plain(response));
        }
        if codings.len() > MAX_CODINGS {
            let detail = format!("{} content codings", codings.len());
            return Err(Broken { failure: Class::DecodeFailure.into(), detail });
        }
        let costly = codings.iter().any(|coding| matches!(coding, Coding::Brotli | Coding::Zstd));
        let place = if costly { places.clone().acquire_owned().await.ok() } else { None };
        let stream = response.bytes_stream().map_err(io::Error::other);
        let mut reader: Pin<Box<dyn AsyncRead + Send>> = Box::pin(StreamReader::new(stream));
        // The last one named was put on last.
        for coding in codings.into_iter().rev() {
            let below = BufReader::with_capacity(PIECE, Capped { inner: reader, room: MAX_BODY });
            reader = match coding {
                // What comes after the first member is left alone, as browsers do.
                Coding::Gzip => Box::pin(GzipDecoder::new(below)),
                Coding::Deflate => Box::pin(ZlibDecoder::new(below)),
                Coding::Brotli => Box::pin(BrotliDecoder::new(below)),
                Coding::Zstd => {
                    Box::pin(ZstdDecoder::with_params(below, &[DParameter::window_log_max(ZSTD_WINDOW_LOG)]))
                }
            };
        }
        Ok(Body::Coded { reader, _place: place })
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// What broke, by its class.
    pub async fn next(&mut self, stage: Stage) -> Result<Option<Bytes>, Broken> {
        match self {
            Body::Plain(response) => response.chunk().await.map_err(|e| of_transport(&e, stage)),
            Body::Coded { reader, .. } => {
                let mut piece = BytesMut::with_capacity(PIECE);
                match reader.read_buf(&mut piece).await {
                    Ok(0) => Ok(None),
                    Ok(_) => Ok(Some(piece.freeze())),
                    Err(error) => Err(of_coded(&error, stage)),
                }
            }
        }
    }
}

fn codings(headers: &HeaderMap) -> Vec<Coding> {
    let named = headers.get_all(header::CONTENT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    named
        .flat_map(|value| value.split(','))
        // What is no coding is passed through, as browsers do.
        .filter_map(|name| match name.trim().to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => Some(Coding::Gzip),
            "deflate" => Some(Coding::Deflate),
            "br" => Some(Coding::Brotli),
            "zstd" => Some(Coding::Zstd),
            _ => None,
        })
        .collect()
}

fn of_transport(error: &reqwest::Error, stage: Stage) -> Broken {
    Broken { failure: failure::of_error(error, stage, error.is_decode()), detail: failure::deepest(error) }
}

/// A coded body breaks in the connection below, or in the coding itself.
fn of_coded(error: &io::Error, stage: Stage) -> Broken {
    let inner = error.get_ref();
    if let Some(transport) = inner.and_then(|inner| inner.downcast_ref::<reqwest::Error>()) {
        return of_transport(transport, stage);
    }
    let failure = match shortage::in_chain(error) {
        Some(own) => own.into(),
        None if inner.is_some_and(|inner| inner.is::<TooMuch>()) => Class::BodyTooLarge.into(),
        None => Class::DecodeFailure.into(),
    };
    Broken { failure, detail: error.to_string() }
}

/// Lets a layer give so much and no more: a coding can turn endless input into nothing.
struct Capped {
    inner: Pin<Box<dyn AsyncRead + Send>>,
    room: u64,
}

impl AsyncRead for Capped {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(self.inner.as_mut().poll_read(cx, buf))?;
        let read = (buf.filled().len() - before) as u64;
        match self.room.checked_sub(read) {
            Some(room) => self.room = room,
            None => return Poll::Ready(Err(io::Error::other(TooMuch))),
        }
        Poll::Ready(Ok(()))
    }
}
