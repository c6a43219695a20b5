//! Decimal strings for integers in JSON, whose numbers are 64-bit floats in many
//! languages. For serde's `with`.

use std::borrow::Cow;
use std::fmt::Display;
use std::str::FromStr;

use serde::{Deserialize as _, Deserializer, Serializer, de::Error};

/// Writes an integer as a decimal string.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<T: Display, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(value)
}

/// Reads an integer from a decimal string.
///
/// # Errors
/// If it is no string, or no integer in decimal digits.
pub fn deserialize<'de, T, D>(from: D) -> Result<T, D::Error>
where
    T: FromStr<Err: Display>,
    D: Deserializer<'de>,
{
    let text = Cow::<str>::deserialize(from)?;
    if text.starts_with('+') {
        return Err(D::Error::custom(format!("{text:?}: a decimal integer has no plus sign")));
    }
    text.parse().map_err(|error| D::Error::custom(format!("{text:?} is not an integer: {error}")))
}
