//! Fields that a JSON text has twice: a parsed value no longer shows them.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// The paths that occur more than once, in the order of the text. What is no JSON has none.
pub(crate) fn duplicates(text: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    let seen =
        Look { path: String::new(), found: &mut found }.deserialize(&mut serde_json::Deserializer::from_slice(text));
    if seen.is_err() {
        found.clear();
    }
    found
}

struct Look<'f> {
    path: String,
    found: &'f mut Vec<String>,
}

impl<'de> DeserializeSeed<'de> for Look<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, text: D) -> Result<(), D::Error> {
        text.deserialize_any(self)
    }
}

macro_rules! nothing_in {
    ($($name:ident $kind:ty),*) => {
        $(fn $name<E>(self, _: $kind) -> Result<(), E> { Ok(()) })*
    };
}

impl<'de> Visitor<'de> for Look<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    nothing_in!(visit_bool bool, visit_i64 i64, visit_u64 u64, visit_f64 f64, visit_str &str);

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut at = 0;
        while list.next_element_seed(Look { path: format!("{}[{at}]", self.path), found: &mut *self.found })?.is_some()
        {
            at += 1;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut keys: Vec<String> = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            let path = if self.path.is_empty() { key.clone() } else { format!("{}.{key}", self.path) };
            if keys.contains(&key) {
                self.found.push(path);
                map.next_value::<IgnoredAny>()?;
            } else {
                keys.push(key);
                map.next_value_seed(Look { path, found: &mut *self.found })?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::duplicates;

    #[test]
    fn only_fields_of_one_object_can_be_twice() {
        let text = br#"{"a": 1, "spec": {"b": [{"c": 1, "c": 2}, {"c": 3}], "a": null, "b": []}, "a": {"x": 1.5}}"#;
        assert_eq!(duplicates(text), ["spec.b[0].c", "spec.b", "a"]);
        assert!(duplicates(br#"{"a": 1, "a": "#).is_empty());
    }
}
