//! Decimal strings for integers in JSON, whose numbers are 64-bit floats in many
//! languages. Binary formats have the integers themselves. For serde's `with`.

use std::borrow::Cow;
use std::fmt::Display;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// Writes an integer, as a decimal string in a text format.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<T: Display + Serialize, S: Serializer>(
    value: &T,
    to: S,
) -> Result<S::Ok, S::Error> {
    if to.is_human_readable() { to.collect_str(value) } else { value.serialize(to) }
}

/// Reads an integer, from a decimal string in a text format.
///
/// # Errors
/// If it is no string, or no integer in decimal digits.
pub fn deserialize<'de, T, D>(from: D) -> Result<T, D::Error>
where
    T: FromStr<Err: Display> + Deserialize<'de>,
    D: Deserializer<'de>,
{
    if !from.is_human_readable() {
        return T::deserialize(from);
    }
    let text = Cow::<str>::deserialize(from)?;
    if text.starts_with('+') {
        return Err(D::Error::custom(format!("{text:?}: a decimal integer has no plus sign")));
    }
    text.parse().map_err(|error| D::Error::custom(format!("{text:?} is not an integer: {error}")))
}
