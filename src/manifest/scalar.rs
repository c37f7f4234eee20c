//! Resolves YAML scalars the way Kubernetes does, because what `yes`, `0o17` or `08` means decides what is allowed.
//!
//! The rules are those of `resolve.go` in `yaml.v2`, which `sigs.k8s.io/yaml` reads with: YAML 1.1's booleans,
//! Go's integer prefixes, and dates left as text.

use super::node::Value;

/// What an untagged plain scalar means.
///
/// # Errors
/// The message for a number that JSON cannot hold.
pub(super) fn plain(text: &str) -> Result<Value, String> {
    Ok(match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Value::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Value::Bool(false)
        }
        ".nan" | ".NaN" | ".NAN" | ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" | "-.inf"
        | "-.Inf" | "-.INF" => {
            return Err(format!("`{text}` is no number that JSON knows: put it in quotes"));
        }
        _ => number(text).unwrap_or_else(|| Value::String(text.to_owned())),
    })
}

/// What a scalar with a core tag (`!!int` and so on) means.
///
/// # Errors
/// The message for a text that is not of that kind, or a tag that we do not read.
pub(super) fn tagged(tag: &str, text: &str) -> Result<Value, String> {
    let value = match tag {
        // Dates stay text for Kubernetes; the tag changes nothing.
        "str" | "timestamp" => return Ok(Value::String(text.to_owned())),
        "binary" => return Err("`!!binary` is not read: write the base64 text without the tag".to_owned()),
        "bool" | "int" | "float" | "null" => plain(text)?,
        _ => return Err(format!("tag `!!{}` does not fit text: remove it", tag.escape_debug())),
    };
    match (tag, &value) {
        ("bool", Value::Bool(_))
        | ("int", Value::Int(_) | Value::Unsigned(_))
        | ("float", Value::Float(_))
        | ("null", Value::Null) => Ok(value),
        #[expect(clippy::cast_precision_loss, reason = "Go's float64() rounds to the nearest as well")]
        ("float", Value::Int(number)) => Ok(Value::Float(*number as f64)),
        _ => Err(format!("the text is no `!!{tag}`: correct it or remove the tag")),
    }
}

fn number(text: &str) -> Option<Value> {
    match text.bytes().next()? {
        b'.' => float(text),
        b'+' | b'-' | b'0'..=b'9' if text.contains('_') => {
            let text = text.replace('_', "");
            integer(&text).or_else(|| float(&text))
        }
        b'+' | b'-' | b'0'..=b'9' => integer(text).or_else(|| float(text)),
        _ => None,
    }
}

/// Go's `strconv.ParseInt(text, 0, 64)`, then `ParseUint`: a prefix names the base, a leading zero alone is octal.
fn integer(text: &str) -> Option<Value> {
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    let (base, digits) = match unsigned.as_bytes() {
        [b'0', b'x' | b'X', _, ..] => (16, unsigned.get(2..)?),
        [b'0', b'o' | b'O', _, ..] => (8, unsigned.get(2..)?),
        [b'0', b'b' | b'B', _, ..] => (2, unsigned.get(2..)?),
        [b'0', _, ..] => (8, unsigned.get(1..)?),
        _ => (10, unsigned),
    };
    // from_str_radix would take a second sign.
    if !digits.starts_with(|first: char| first.is_ascii_alphanumeric()) {
        return None;
    }
    let size = u64::from_str_radix(digits, base).ok()?;
    if negative {
        return 0_i64.checked_sub_unsigned(size).map(Value::Int);
    }
    match i64::try_from(size) {
        Ok(number) => Some(Value::Int(number)),
        // ParseUint knows no sign, so `+18446744073709551615` goes on to be a float.
        Err(_) if unsigned.len() == text.len() => Some(Value::Unsigned(size)),
        Err(_) => None,
    }
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`, unless it is too large for a float.
fn float(text: &str) -> Option<Value> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let well_formed = match mantissa.split_once('.') {
        Some(("", fraction)) => digits(fraction),
        Some((whole, fraction)) => digits(whole) && (fraction.is_empty() || digits(fraction)),
        None => digits(mantissa),
    };
    if !well_formed || !exponent.is_none_or(digits) {
        return None;
    }
    text.parse::<f64>().ok().filter(|number| number.is_finite()).map(Value::Float)
}

/// The name that a scalar gets as a key of a JSON object.
///
/// # Errors
/// The message for a key that Kubernetes has no name for.
pub(super) fn key(value: Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text),
        Value::Int(number) => Ok(number.to_string()),
        Value::Float(number) => Ok(short_float(number)),
        Value::Bool(truth) => Ok(truth.to_string()),
        Value::Null => Err("a key is missing: write one, or put an empty key in quotes".to_owned()),
        Value::Unsigned(_) => Err("the key is too large for an integer: put it in quotes".to_owned()),
        Value::Seq(_) | Value::Map(_) => Err(COMPLEX_KEY.to_owned()),
    }
}

/// Most such keys are a template that nobody rendered: `{{ x }}` is a map in a map to YAML.
pub(super) const COMPLEX_KEY: &str =
    "a list or map cannot be a key: render a template first, or put the text in quotes";

/// Go's `strconv.FormatFloat(number, 'g', -1, 32)`: the shortest digits that name the same 32-bit float.
fn short_float(number: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "the rounding to 32 bits is what Kubernetes does")]
    let short = number as f32;
    let scientific = format!("{short:e}");
    match scientific.split_once('e').and_then(|(digits, power)| Some((digits, power.parse::<i32>().ok()?))) {
        Some((digits, power)) if !(-4..6).contains(&power) => {
            let sign = if power < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", power.abs())
        }
        _ => short.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_mean_what_they_mean_to_kubernetes() {
        let text = |text: &str| Value::String(text.to_owned());
        for (written, meant) in [
            ("", Value::Null),
            ("~", Value::Null),
            ("NULL", Value::Null),
            ("nULL", text("nULL")),
            ("y", Value::Bool(true)),
            ("Yes", Value::Bool(true)),
            ("on", Value::Bool(true)),
            ("TRUE", Value::Bool(true)),
            ("N", Value::Bool(false)),
            ("Off", Value::Bool(false)),
            ("yEs", text("yEs")),
            ("oN", text("oN")),
            ("0", Value::Int(0)),
            ("00", Value::Int(0)),
            ("-0", Value::Int(0)),
            ("+12", Value::Int(12)),
            ("017", Value::Int(15)),
            ("-017", Value::Int(-15)),
            ("0o17", Value::Int(15)),
            ("0O17", Value::Int(15)),
            ("08", Value::Float(8.0)),
            ("0x1F", Value::Int(31)),
            ("-0X1f", Value::Int(-31)),
            ("0b101", Value::Int(5)),
            ("-0b11", Value::Int(-3)),
            ("0x", text("0x")),
            ("0x+1", text("0x+1")),
            ("+-1", text("+-1")),
            ("1_000", Value::Int(1000)),
            ("1__0_", Value::Int(10)),
            ("_1", text("_1")),
            ("0x_0A_74_AE", Value::Int(685_230)),
            ("0b1010_0111_0100_1010_1110", Value::Int(685_230)),
            ("02472256", Value::Int(685_230)),
            ("685.230_15e+03", Value::Float(685_230.15)),
            ("-b_c", text("-b_c")),
            ("50cent_of_dollar", text("50cent_of_dollar")),
            ("-_1", Value::Int(-1)),
            ("9223372036854775807", Value::Int(i64::MAX)),
            ("-9223372036854775808", Value::Int(i64::MIN)),
            ("9223372036854775808", Value::Unsigned(1 << 63)),
            ("-9223372036854775809", Value::Float(-9_223_372_036_854_775_808.0)),
            ("18446744073709551616", Value::Float(18_446_744_073_709_551_616.0)),
            ("+9223372036854775808", Value::Float(9_223_372_036_854_775_808.0)),
            ("1.5", Value::Float(1.5)),
            ("1.", Value::Float(1.0)),
            (".5", Value::Float(0.5)),
            (".5_0", text(".5_0")),
            ("1_0.5", Value::Float(10.5)),
            ("+.5e-1", Value::Float(0.05)),
            ("1e3", Value::Float(1000.0)),
            ("1e400", text("1e400")),
            ("1e", text("1e")),
            (".", text(".")),
            ("-", text("-")),
            ("1.2.3", text("1.2.3")),
            ("2001-01-01", text("2001-01-01")),
            ("12:30:45", text("12:30:45")),
            ("100m", text("100m")),
            ("<<", text("<<")),
            ("nan", text("nan")),
            ("infinity", text("infinity")),
        ] {
            assert_eq!(plain(written), Ok(meant), "{written:?}");
        }
    }

    #[test]
    fn numbers_that_json_does_not_know_are_refused() {
        for written in [".inf", "-.INF", "+.Inf", ".NaN"] {
            assert!(plain(written).is_err(), "{written}");
        }
    }

    #[test]
    fn a_core_tag_converts_or_refuses() {
        for (tag, written, meant) in [
            ("str", "yes", Ok(Value::String("yes".to_owned()))),
            ("bool", "yes", Ok(Value::Bool(true))),
            ("int", "0x10", Ok(Value::Int(16))),
            ("float", "5", Ok(Value::Float(5.0))),
            ("null", "~", Ok(Value::Null)),
            ("timestamp", "2001-01-01", Ok(Value::String("2001-01-01".to_owned()))),
            ("bool", "1", Err(())),
            ("int", "1.5", Err(())),
            ("null", "x", Err(())),
            ("binary", "aGk=", Err(())),
            ("map", "x", Err(())),
            ("set", "x", Err(())),
        ] {
            assert_eq!(tagged(tag, written).map_err(|_| ()), meant, "{tag} {written}");
        }
    }

    #[test]
    fn keys_are_named_as_json_names_them() {
        for (written, name) in [
            ("on", Ok("true")),
            ("n", Ok("false")),
            ("0x10", Ok("16")),
            ("1.10", Ok("1.1")),
            ("0.0001", Ok("0.0001")),
            ("0.00001", Ok("1e-05")),
            ("999999.0", Ok("999999")),
            ("1000000.0", Ok("1e+06")),
            ("12345678.9", Ok("1.2345679e+07")),
            ("~", Err(())),
            ("18446744073709551615", Err(())),
        ] {
            let named = plain(written).and_then(key);
            assert_eq!(named.as_deref().map_err(|_| ()), name, "{written}");
        }
    }
}
