//! The rest of a body that nobody reads.
//!
//! actix-http closes a connection after a reply if the body of its request was not read to the end. But if a chunked body was dropped, it
//! reads on for ever, without a deadline. So such a body is kept until the reply has begun, as if somebody might still read it.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_web::HttpMessage as _;
use actix_web::dev::{Payload, ServiceRequest};
use actix_web::error::PayloadError;
use actix_web::http::header::TRANSFER_ENCODING;
use actix_web::web::Bytes;
use futures_util::Stream;

/// How long the rest of a body is kept. A reply begins as soon as it is there.
const KEPT: Duration = Duration::from_secs(1);

/// The place to which the rest of a chunked body comes back.
#[derive(Default)]
pub(super) struct Unread(Rc<RefCell<Option<Payload>>>);

impl Unread {
    /// Has the rest of a chunked body come back when it is dropped.
    pub(super) fn of(request: &mut ServiceRequest) -> Self {
        let unread = Self::default();
        if request.headers().contains_key(TRANSFER_ENCODING) {
            let chunks = Chunks { payload: Some(request.take_payload()), place: unread.0.clone() };
            request.set_payload(Payload::Stream { payload: Box::pin(chunks) });
        }
        unread
    }

    /// Drops what has come back, after the reply has begun.
    pub(super) fn drop_later(self) {
        if let Some(payload) = self.0.take() {
            actix_web::rt::spawn(async move {
                tokio::time::sleep(KEPT).await;
                drop(payload);
            });
        }
    }
}

/// A body whose rest comes back.
struct Chunks {
    /// `None` at its end.
    payload: Option<Payload>,
    place: Rc<RefCell<Option<Payload>>>,
}

impl Stream for Chunks {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(payload) = &mut self.payload else { return Poll::Ready(None) };
        let chunk = ready!(Pin::new(payload).poll_next(cx));
        if !matches!(chunk, Some(Ok(_))) {
            self.payload = None;
        }
        Poll::Ready(chunk)
    }
}

impl Drop for Chunks {
    fn drop(&mut self) {
        self.place.replace(self.payload.take());
    }
}
