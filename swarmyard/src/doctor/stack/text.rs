//! Texts of such files.

/// Whether a text has a variable in it.
pub(in crate::doctor) fn is_variable(text: &str) -> bool {
    with_defaults(text) != text
}

/// The text as it is where no variable is set: `${NAME:-DEFAULT}` is its default, any other variable nothing, `$$` a `$`.
pub(super) fn with_defaults(text: &str) -> String {
    let Some((before, after)) = text.split_once('$') else { return text.to_owned() };
    let (value, rest) = variable(after);
    before.to_owned() + &value + &with_defaults(rest)
}

/// The value of the variable that a text behind a `$` begins with, and what comes after it.
fn variable(text: &str) -> (String, &str) {
    if let Some(rest) = text.strip_prefix('$') {
        return ("$".to_owned(), rest);
    }
    let name_ends = |text: &str| text.find(|sign: char| !sign.is_ascii_alphanumeric() && sign != '_');
    let Some((inside, rest)) = text.strip_prefix('{').and_then(split_at_brace) else {
        return (String::new(), &text[name_ends(text).unwrap_or(text.len())..]);
    };
    let behind_name = &inside[name_ends(inside).unwrap_or(inside.len())..];
    let default = behind_name.strip_prefix(":-").or_else(|| behind_name.strip_prefix('-'));
    (default.map(with_defaults).unwrap_or_default(), rest)
}

/// Splits at the brace that closes one before the text.
fn split_at_brace(text: &str) -> Option<(&str, &str)> {
    let mut depth = 0;
    for (index, sign) in text.char_indices() {
        match sign {
            '{' => depth += 1,
            '}' if depth == 0 => return Some((&text[..index], &text[index + 1..])),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// An amount of memory, such as `96M`, in bytes.
pub(in crate::doctor) fn bytes(text: &str) -> Option<u64> {
    let text = text.trim().to_ascii_lowercase();
    let digits = text.find(|sign: char| !sign.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..digits].parse().ok()?;
    let unit = match text[digits..].trim_end_matches('b').trim_end_matches('i') {
        "" => 0,
        "k" => 10,
        "m" => 20,
        "g" => 30,
        "t" => 40,
        _ => return None,
    };
    number.checked_mul(1 << unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_have_their_defaults() {
        for (text, expected) in [
            ("plain", "plain"),
            ("${REGISTRY:-}redis:${TAG:-latest}", "redis:latest"),
            ("${A:-${B:-inner}}!", "inner!"),
            ("${A-x} $B ${C:?is needed} ${D:+set}", "x   "),
            ("$$HOME", "$HOME"),
            ("${broken", "{broken"),
            ("{{.Node.Hostname}}", "{{.Node.Hostname}}"),
        ] {
            assert_eq!(with_defaults(text), expected, "{text}");
        }
        assert!(is_variable("${TAG:-1}") && !is_variable("1"));
    }

    #[test]
    fn an_amount_of_memory_has_a_unit() {
        let amounts = ["96M", "1g", "512kb", "1GiB", "1048576", "much", "1.5G"].map(bytes);
        let expected = [Some(96 << 20), Some(1 << 30), Some(512 << 10), Some(1 << 30), Some(1 << 20), None, None];
        assert_eq!(amounts, expected);
    }
}
