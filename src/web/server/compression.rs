//! Answers are sent compressed, and secrets are not told by how well they compress (docs/adr/0011).

use axum::{
    extract::Request,
    http::{HeaderMap, header},
    middleware::Next,
    response::Response,
};
use tower_http::{
    CompressionLevel,
    compression::{
        CompressionLayer,
        predicate::{And, NotForContentType, Predicate, SizeAbove},
    },
};

/// Smaller answers fit into one packet as they are, bytes.
const SIZE_MIN: u64 = 1024;
/// What the stream of news is sent as. Each of its lines has to go out at once.
const STREAM: &str = "application/octet-stream";
/// A page of fifty rows takes 2 ms; higher levels cost more than they save.
const LEVEL: CompressionLevel = CompressionLevel::Precise(4);

type Worth = And<And<And<SizeAbove, NotForContentType>, NotForContentType>, NotForContentType>;

/// Compresses what is worth it and is not compressed yet.
pub fn layer() -> CompressionLayer<Worth> {
    let worth = SizeAbove::new(SIZE_MIN)
        .and(NotForContentType::const_new(STREAM))
        .and(NotForContentType::const_new("text/event-stream"))
        .and(NotForContentType::IMAGES);
    CompressionLayer::new().quality(LEVEL).compress_when(worth)
}

/// Takes the wish for compression out of requests that another site has made: whoever can have a page asked for with
/// words of his own in it, and sees how long the answer is, would learn what else is on it (BREACH).
pub async fn only_of_this_site(mut request: Request, next: Next) -> Response {
    if is_of_another_site(request.headers()) {
        request.headers_mut().remove(header::ACCEPT_ENCODING);
    }
    next.run(request).await
}

fn is_of_another_site(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site" || site == "same-site")
}
