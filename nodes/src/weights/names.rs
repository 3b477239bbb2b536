//! Names in messages: shown so that garbage cannot flood a terminal, and matched to what was probably meant.

/// Longest name that is shown whole, or compared with others (the comparison takes quadratic time).
const LONGEST: usize = 200;

/// A name from a file, in backquotes, control characters escaped, cut if it is absurdly long.
pub(super) fn quoted(name: &str) -> String {
    let mut shown: String = name.chars().take(LONGEST).flat_map(char::escape_debug).collect();
    if name.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}

/// The candidate that `wanted` was probably meant to be, if one is near enough.
pub(super) fn closest<'a>(wanted: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (wanted.len() / 4).max(2);
    if wanted.len() > LONGEST {
        return None;
    }
    candidates
        .into_iter()
        .filter(|name| name.len().abs_diff(wanted.len()) <= limit)
        .map(|name| (strsim::damerau_levenshtein(wanted, name), name))
        .filter(|&(distance, _)| distance <= limit)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, name)| name)
}

/// "a, b and 3 more": at most `shown` names.
pub(super) fn some_of<S: AsRef<str>>(names: &[S], shown: usize) -> String {
    let mut text = names.iter().take(shown).map(|name| quoted(name.as_ref())).collect::<Vec<_>>().join(", ");
    if names.len() > shown {
        text.push_str(&format!(" and {} more", names.len() - shown));
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

    use super::*;

    #[test]
    fn garbage_is_cut_and_escaped() {
        assert_eq!(quoted("a\u{1b}[31m"), "`a\\u{1b}[31m`");
        assert!(quoted(&"x".repeat(1 << 20)).len() < 300);
    }

    #[test]
    fn the_nearest_name_is_found_and_a_far_one_is_not() {
        let names = ["conv_in.weight", "conv_out.weight", "time_embedding.linear_1.weight"];
        assert_eq!(closest("conv_im.weight", names), Some("conv_in.weight"));
        assert_eq!(closest("text_model.final_layer_norm.bias", names), None);
        assert_eq!(closest(&"y".repeat(100_000), names), None);
    }
}
