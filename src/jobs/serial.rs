//! How rows are written to disk and read back.
//!
//! Owns the serde side of the types in [`super::text`] and of [`Kind`]: text that comes back is cleaned again, so that a
//! file that somebody changed can't put anything on a screen that a cluster could not.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::{
    kind::Kind,
    text::{Clean, Name, Sym, Uid},
};

macro_rules! as_text {
    ($($ty:ident => $read:expr;)*) => {$(
        impl Serialize for $ty {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $ty {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let read: fn(&str) -> Self = $read;
                std::borrow::Cow::<'_, str>::deserialize(deserializer).map(|text| read(&text))
            }
        }
    )*};
}

as_text! {
    Clean => Clean::new;
    Sym => Sym::new;
    Name => Name::lossy;
    Uid => Uid::new;
}

/// As `group/version/Kind`.
impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let info = self.info();
        serializer.collect_str(&format_args!("{}/{}/{}", info.group, info.version, info.kind))
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let kind = text.rsplit_once('/').and_then(|(version, kind)| Self::of(version, kind));
        kind.ok_or_else(|| D::Error::custom("not a kind of job that is known here"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::jobs::{JobRow, text::is_unsafe};

    #[test]
    fn every_kind_comes_back() {
        for kind in Kind::ALL {
            let text = serde_json::to_string(&kind).expect("written");
            assert_eq!(serde_json::from_str::<Kind>(&text).expect("read"), kind, "{text}");
        }
        assert!(serde_json::from_str::<Kind>("\"kubeflow.org/v9/MPIJob\"").is_err());
    }

    #[test]
    fn a_row_of_another_version_comes_back_as_far_as_it_goes() {
        let text = r#"{"kind":"kubeflow.org/v2beta1/MPIJob","name":"pi","slots":2,"unheard-of":{"a":1}}"#;
        let row: JobRow = serde_json::from_str(text).expect("a row");
        assert_eq!((row.name.as_str(), row.slots, row.labels.len()), ("pi", Some(2), 0));
    }

    proptest! {
        #[test]
        fn what_is_read_is_as_clean_as_what_entered(text in any::<String>()) {
            let json = serde_json::to_string(&text).expect("written");
            let (clean, name): (Clean, Name) =
                (serde_json::from_str(&json).expect("read"), serde_json::from_str(&json).expect("read"));
            prop_assert!(!clean.as_str().chars().any(is_unsafe));
            prop_assert!(name.as_str().bytes().all(|b| b.is_ascii_graphic()));
            let again = serde_json::to_string(&clean).expect("written");
            prop_assert_eq!(serde_json::from_str::<Clean>(&again).expect("read"), clean);
        }
    }
}
