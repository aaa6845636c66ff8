//! Rendered replies. Identical replies are rendered once, not once per request.

use std::hash::Hash;
use std::sync::Arc;

use actix_web::web::Bytes;
use moka::sync::Cache;

use crate::cache::MOMENT;
use crate::http::error::ApiError;

/// The most bodies that are cached.
const MAX_BODIES: u64 = 500;

/// Bodies by key. Each is stored with the value that it was rendered from. If the value has changed, the body is rendered again.
pub struct Responses<K, T: ?Sized>(Cache<K, (Arc<T>, Bytes)>);

impl<K, T> Default for Responses<K, T>
where
    K: Hash + Eq + Send + Sync + 'static,
    T: ?Sized + Send + Sync + 'static,
{
    fn default() -> Self {
        Self(Cache::builder().max_capacity(MAX_BODIES).time_to_live(MOMENT).build())
    }
}

impl<K, T> Responses<K, T>
where
    K: Hash + Eq + Send + Sync + 'static,
    T: ?Sized + Send + Sync + 'static,
{
    /// Returns the body for a value. Renders it if it is not cached.
    ///
    /// # Errors
    /// Fails if it cannot be rendered.
    pub fn of(&self, key: K, source: &Arc<T>, render: impl FnOnce(&T) -> serde_json::Result<Vec<u8>>) -> Result<Bytes, ApiError> {
        if let Some((of, body)) = self.0.get(&key)
            && Arc::ptr_eq(&of, source)
        {
            return Ok(body);
        }
        let rendered = render(source).map_err(ApiError::broken)?;
        let body = Bytes::from(rendered);
        self.0.insert(key, (source.clone(), body.clone()));
        Ok(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::error::Code;

    #[test]
    fn the_same_thing_is_rendered_once_and_another_anew() {
        let bodies: Responses<u8, [u8]> = Responses::default();
        let (one, like_it): (Arc<[u8]>, Arc<[u8]>) = (Arc::from([1]), Arc::from([1]));
        let of = |source, body: &str| bodies.of(7, source, |_| Ok(body.as_bytes().to_vec())).unwrap();
        assert_eq!(of(&one, "first"), "first");
        assert_eq!(of(&one, "second"), "first");
        assert_eq!(of(&like_it, "third"), "third");
        assert_eq!(of(&one, "fourth"), "fourth");
        let broken = bodies.of(8, &one, |_| Err(serde::ser::Error::custom("broken")));
        assert_eq!(broken.unwrap_err().code, Code::InternalError);
    }
}
