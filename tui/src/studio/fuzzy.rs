//! How well what somebody types fits a name.

/// The larger the better; none if the letters of `typed` do not stand in `name` in this order. Letters in a row, at the
/// beginnings of words and near the front count for more; nothing typed fits everything.
pub(crate) fn score(typed: &str, name: &str) -> Option<i64> {
    let mut score = 0;
    let mut letters = name.chars().enumerate().peekable();
    let mut before = None;
    let mut last_hit = None;
    for wanted in typed.chars().filter(|c| !c.is_whitespace()) {
        loop {
            let (at, letter) = letters.next()?;
            let is_start = before.is_none_or(|c: char| !c.is_alphanumeric())
                || (letter.is_uppercase() && before.is_some_and(char::is_lowercase));
            before = Some(letter);
            if !letter.to_lowercase().eq(wanted.to_lowercase()) {
                continue;
            }
            score += 10;
            if is_start {
                score += 12;
            }
            if at > 0 && last_hit == Some(at - 1) {
                score += 8;
            }
            score -= i64::try_from(at).unwrap_or(i64::MAX).min(9);
            last_hit = Some(at);
            break;
        }
    }
    Some(score - i64::try_from(name.len()).unwrap_or(i64::MAX).min(64) / 8)
}

/// The places of what fits, best first; equals stay in their order.
pub(crate) fn ranked<'a>(typed: &str, names: impl Iterator<Item = &'a str>) -> Vec<usize> {
    let mut fits: Vec<_> = names.enumerate().filter_map(|(at, name)| Some((score(typed, name)?, at))).collect();
    if typed.trim().is_empty() {
        return fits.into_iter().map(|(_, at)| at).collect();
    }
    fits.sort_by_key(|(score, at)| (std::cmp::Reverse(*score), *at));
    fits.into_iter().map(|(_, at)| at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginnings_of_words_come_first() {
        let names = ["SaveImage", "PriorSimage", "LoadImage", "Scheduler"];
        assert_eq!(ranked("si", names.into_iter()), [0, 1]);
        assert_eq!(ranked("", names.into_iter()), [0, 1, 2, 3]);
        assert_eq!(ranked("zoom", names.into_iter()), Vec::<usize>::new());
        assert_eq!(ranked("LOAD", names.into_iter()), [2]);
    }
}
