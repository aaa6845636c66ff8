//! Forms that are carried out once, however often they are sent: a browser that loads their answer again sends them again.

use rally_console::Form;
use rally_domain::port::Ids;
use sha2::{Digest, Sha256};

use super::doors::Pairs;

/// The hidden field that tells two openings of one form apart.
const NAME: &str = "once";

/// Adds to a form what tells it from others of its kind.
pub(super) fn with_once(mut form: Form, ids: &dyn Ids) -> Form {
    form.values.push((NAME.to_owned(), ids.uuid().to_string()));
    form
}

/// Names what was posted: the same for the same fields of the same form. `None` if the form does not say which it is.
pub(super) fn name_of(posted: &Pairs) -> Option<[u8; 32]> {
    posted.iter().find(|(name, value)| name == NAME && !value.is_empty())?;
    let mut hash = Sha256::new();
    for text in posted.iter().flat_map(|(name, value)| [name, value]) {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    }
    Some(hash.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_that_is_sent_again_has_the_same_name() {
        let named =
            |pairs: &[(&str, &str)]| name_of(&pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect());
        let first = named(&[("once", "1"), ("name", "a")]);
        assert!(first.is_some() && first == named(&[("once", "1"), ("name", "a")]));
        for other in [&[("once", "2"), ("name", "a")][..], &[("once", "1"), ("name", "b")], &[("once", "1"), ("namea", "")]] {
            assert!(named(other).is_some_and(|name| Some(name) != first), "{other:?}");
        }
        assert_eq!((named(&[("name", "a")]), named(&[("once", ""), ("name", "a")])), (None, None));
    }
}
