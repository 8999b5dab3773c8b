//! Field types that take whatever comes: a field of another type becomes empty, and is noted.
//!
//! With them a page of objects is read in one pass, borrowing from its bytes, and only broken JSON can fail it. The
//! note is a flag of the thread, looked at after each object, because a field does not know its object.

use std::{borrow::Cow, cell::Cell, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{
        self, IgnoredAny, MapAccess, SeqAccess, Visitor,
        value::{MapAccessDeserializer, SeqAccessDeserializer},
    },
};

thread_local! {
    static ODD: Cell<bool> = const { Cell::new(false) };
}

/// Whether a field of another type was met since the last call.
pub(super) fn odd_met() -> bool {
    ODD.replace(false)
}

fn odd() {
    ODD.set(true);
}

/// Visitor methods for all that a type does not expect: note it, swallow it, stay empty.
macro_rules! odd_visits {
    ($value:ty, $de:lifetime: $($what:ident),*) => {
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("anything")
        }
        fn visit_unit<E: de::Error>(self) -> Result<$value, E> {
            Ok(<$value>::default())
        }
        fn visit_none<E: de::Error>(self) -> Result<$value, E> {
            Ok(<$value>::default())
        }
        $(odd_visits!(@$what $value, $de);)*
    };
    (@bool $value:ty, $de:lifetime) => {
        fn visit_bool<E: de::Error>(self, _: bool) -> Result<$value, E> {
            odd();
            Ok(<$value>::default())
        }
    };
    (@numbers $value:ty, $de:lifetime) => {
        fn visit_i64<E: de::Error>(self, _: i64) -> Result<$value, E> {
            odd();
            Ok(<$value>::default())
        }
        fn visit_u64<E: de::Error>(self, _: u64) -> Result<$value, E> {
            odd();
            Ok(<$value>::default())
        }
        fn visit_f64<E: de::Error>(self, _: f64) -> Result<$value, E> {
            odd();
            Ok(<$value>::default())
        }
    };
    (@str $value:ty, $de:lifetime) => {
        fn visit_str<E: de::Error>(self, _: &str) -> Result<$value, E> {
            odd();
            Ok(<$value>::default())
        }
    };
    (@seq $value:ty, $de:lifetime) => {
        fn visit_seq<A: SeqAccess<$de>>(self, mut seq: A) -> Result<$value, A::Error> {
            odd();
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            Ok(<$value>::default())
        }
    };
    (@map $value:ty, $de:lifetime) => {
        fn visit_map<A: MapAccess<$de>>(self, mut map: A) -> Result<$value, A::Error> {
            odd();
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            Ok(<$value>::default())
        }
    };
}

/// A text, borrowed where JSON has no escapes in it. Empty if it is absent, null or no text.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

impl Text<'_> {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// `None` if empty.
    pub(super) fn some(&self) -> Option<&str> {
        Some(&*self.0).filter(|t| !t.is_empty())
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    odd_visits!(Text<'de>, 'de: bool, numbers, seq, map);

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

/// A quantity or an int-or-string: text or number, as text.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Scalar<'a>(pub(super) Cow<'a, str>);

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar<'de>;

    odd_visits!(Scalar<'de>, 'de: bool, seq, map);

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Scalar<'de>, E> {
        Ok(Scalar(Cow::Borrowed(text)))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Scalar<'de>, E> {
        Ok(Scalar(Cow::Owned(text.to_owned())))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Scalar<'de>, E> {
        Ok(Scalar(Cow::Owned(number.to_string())))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Scalar<'de>, E> {
        Ok(Scalar(Cow::Owned(number.to_string())))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Scalar<'de>, E> {
        Ok(Scalar(Cow::Owned(number.to_string())))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Scalar<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

/// A whole number.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Num(pub(super) Option<i64>);

impl Num {
    /// As a count; negative or too large becomes `None`.
    pub(super) fn count(self) -> Option<u32> {
        self.0.and_then(|n| u32::try_from(n).ok())
    }
}

struct NumVisitor;

impl<'de> Visitor<'de> for NumVisitor {
    type Value = Num;

    odd_visits!(Num, 'de: bool, str, seq, map);

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Num, E> {
        Ok(Num(Some(number)))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Num, E> {
        Ok(Num(i64::try_from(number).ok()))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Num, E> {
        if number.fract() != 0.0 {
            odd();
            return Ok(Num(None));
        }
        Ok(Num(Some(number as i64)))
    }
}

impl<'de> Deserialize<'de> for Num {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumVisitor)
    }
}

/// True or false.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Flag(pub(super) Option<bool>);

struct FlagVisitor;

impl<'de> Visitor<'de> for FlagVisitor {
    type Value = Flag;

    odd_visits!(Flag, 'de: numbers, str, seq, map);

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Flag, E> {
        Ok(Flag(Some(value)))
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FlagVisitor)
    }
}

/// An object with known fields.
#[derive(Debug, Default, Clone)]
pub(super) struct Obj<T>(pub(super) T);

struct ObjVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de> + Default> Visitor<'de> for ObjVisitor<T> {
    type Value = Obj<T>;

    odd_visits!(Obj<T>, 'de: bool, numbers, str, seq);

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Obj<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Obj)
    }
}

impl<'de, T: Deserialize<'de> + Default> Deserialize<'de> for Obj<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ObjVisitor(PhantomData))
    }
}

/// A list.
#[derive(Debug, Clone)]
pub(super) struct List<T>(pub(super) Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

struct ListVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
    type Value = List<T>;

    odd_visits!(List<T>, 'de: bool, numbers, str, map);

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<List<T>, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(seq)).map(List)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ListVisitor(PhantomData))
    }
}

/// A map with keys of the user's choosing, in the order written.
#[derive(Debug, Clone)]
pub(super) struct Entries<'a, T>(pub(super) Vec<(Text<'a>, T)>);

impl<T> Default for Entries<'_, T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// Labels and annotations.
pub(super) type Pairs<'a> = Entries<'a, Text<'a>>;

impl<T> Entries<'_, T> {
    pub(super) fn find(&self, key: &str) -> Option<&T> {
        self.0.iter().find(|(k, _)| k.as_str() == key).map(|(_, v)| v)
    }
}

impl Pairs<'_> {
    /// The value, unless it is absent or empty.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.find(key).and_then(Text::some)
    }
}

struct EntriesVisitor<'a, T>(PhantomData<(&'a (), T)>);

impl<'de: 'a, 'a, T: Deserialize<'de>> Visitor<'de> for EntriesVisitor<'a, T> {
    type Value = Entries<'a, T>;

    odd_visits!(Entries<'a, T>, 'de: bool, numbers, str, seq);

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<'a, T>, A::Error> {
        let mut all = Vec::with_capacity(8);
        while let Some(entry) = map.next_entry()? {
            all.push(entry);
        }
        Ok(Entries(all))
    }
}

impl<'de: 'a, 'a, T: Deserialize<'de>> Deserialize<'de> for Entries<'a, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EntriesVisitor(PhantomData))
    }
}
