//! "Did you mean": the names that a misspelt one may stand for.

/// No error looks at more names than this, so that a huge wrong file is still refused quickly.
const MAX_CANDIDATES: usize = 2_000;

/// Longer names are no typing errors.
const MAX_LENGTH: usize = 80;

/// The candidate that `name` most likely stands for.
pub(crate) fn closest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if name.is_empty() || name.len() > MAX_LENGTH {
        return None;
    }
    let folded = fold(name);
    // Between names of one or two characters every edit makes another name.
    let allowed = match folded.chars().count() {
        0..=2 => 0,
        count => (count / 3).max(1),
    };
    let mut best: Option<(usize, f64, &str)> = None;
    for candidate in candidates.into_iter().take(MAX_CANDIDATES).filter(|text| text.len() <= MAX_LENGTH) {
        let other = fold(candidate);
        let distance = strsim::damerau_levenshtein(&folded, &other);
        let likeness = strsim::jaro_winkler(&folded, &other);
        // A name that was cut short is far in edits but alike in its beginning.
        if distance > allowed && likeness < 0.9 {
            continue;
        }
        if best.is_none_or(|(least, most, _)| distance < least || (distance == least && likeness > most)) {
            best = Some((distance, likeness, candidate));
        }
    }
    best.map(|(_, _, candidate)| candidate)
}

/// "did you mean `x`?", or a list of what there is.
pub(crate) fn hint<'a>(
    name: &str,
    what: &str,
    candidates: impl IntoIterator<Item = &'a str> + Clone,
) -> Option<String> {
    match closest(name, candidates.clone()) {
        Some(candidate) => Some(format!("did you mean `{candidate}`?")),
        None => listing(candidates).map(|names| format!("{what}: {names}")),
    }
}

/// "did you mean `x`?" and always the list.
pub(crate) fn hint_and_list<'a>(
    name: &str,
    what: &str,
    candidates: impl IntoIterator<Item = &'a str> + Clone,
) -> Option<String> {
    let names = listing(candidates.clone())?;
    match closest(name, candidates) {
        Some(candidate) => Some(format!("did you mean `{candidate}`? {what}: {names}")),
        None => Some(format!("{what}: {names}")),
    }
}

/// "`a`, `b`, `c`, …"; nothing if there is nothing to list.
pub(crate) fn listing<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<String> {
    const SHOWN: usize = 12;
    let mut names = names.into_iter();
    let shown: Vec<_> = names.by_ref().take(SHOWN).map(|name| format!("`{name}`")).collect();
    let more = if names.next().is_some() { ", …" } else { "" };
    (!shown.is_empty()).then(|| format!("{}{more}", shown.join(", ")))
}

/// `guidance_scale`, `GuidanceScale` and `guidance-scale` are one name to people.
fn fold(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '_' | '-')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_meant() {
        let names = ["Prior", "Decoder", "ClipTextEncoder", "guidance_scale"];
        assert_eq!(closest("Pior", names), Some("Prior"));
        assert_eq!(closest("prior", names), Some("Prior"));
        assert_eq!(closest("GuidanceScale", names), Some("guidance_scale"));
        assert_eq!(closest("ClipTextEnc", names), Some("ClipTextEncoder"));
        assert_eq!(closest("Banana", names), None);
        assert_eq!(closest("", names), None);
        assert_eq!(closest("n2", ["n1"]), None);
    }

    #[test]
    fn lists_when_nothing_is_close() {
        assert_eq!(hint("zzz", "there are", ["a", "b"]).as_deref(), Some("there are: `a`, `b`"));
        assert_eq!(hint("zzz", "there are", []), None);
        assert_eq!(hint_and_list("seeed", "inputs", ["seed"]).as_deref(), Some("did you mean `seed`? inputs: `seed`"));
    }
}
