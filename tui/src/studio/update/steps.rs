//! The values beside a value: of numbers, words, and what is true or false.

use easel_engine::{Literal, kinds};

use super::super::model::InputSchema;

/// The value that is so many steps away; if there is none, why.
pub(super) fn stepped(schema: &InputSchema, from: Option<Literal>, by: i64) -> Result<Literal, String> {
    let name = &schema.name;
    if schema.is_only(kinds::BOOLEAN) {
        return Ok(Literal::Boolean(from != Some(Literal::Boolean(true))));
    }
    if !schema.choices.is_empty() {
        let words = &schema.choices;
        let at = match &from {
            Some(Literal::Text(word)) => words.iter().position(|known| known == word),
            _ => None,
        };
        let next = at.map_or(0, |at| (at as i64 + by.signum()).rem_euclid(words.len() as i64) as usize);
        return Ok(Literal::Text(words[next].clone()));
    }
    let start = schema.range.as_ref().map(|range| *range.start()).filter(|start| start.is_finite());
    let is_whole = schema.kinds.contains(&kinds::INTEGER) && !matches!(from, Some(Literal::Float(_)));
    if !is_whole && !schema.kinds.contains(&kinds::FLOAT) {
        return Err(format!("`{name}` is no number: type what it is to be"));
    }
    let now = match from {
        Some(Literal::Integer(number)) => number as f64,
        Some(Literal::Float(number)) => number,
        _ => start.unwrap_or(0.0),
    };
    if let (true, Some(Literal::Integer(number))) = (is_whole, &from) {
        let next = number.saturating_add(by);
        return within(schema, next as f64, now).map(|bounded| {
            if bounded == next as f64 { Literal::Integer(next) } else { Literal::Integer(bounded as i64) }
        });
    }
    if is_whole {
        return within(schema, now + by as f64, f64::NAN).map(|number| Literal::Integer(number as i64));
    }
    let (unit, digits) = unit(now);
    let next = within(schema, ((now / unit).round() + by as f64) * unit, now)?;
    // What is shown has no more digits than the step.
    let text = format!("{next:.digits$}");
    Ok(Literal::Float(text.parse().unwrap_or(next)))
}

/// The step for numbers of that size: a hundredth to a tenth of it; and its digits behind the point.
fn unit(number: f64) -> (f64, usize) {
    let size = number.abs().clamp(1e-3, 1e12).log10().floor() as i32 - 1;
    let size = if number == 0.0 { -1 } else { size };
    (10_f64.powi(size), usize::try_from(-size).unwrap_or(0))
}

/// A number held within the range; if that leaves it where it was, why.
fn within(schema: &InputSchema, next: f64, now: f64) -> Result<f64, String> {
    let Some(range) = &schema.range else { return Ok(next) };
    let held = next.clamp(*range.start(), *range.end());
    if held == now {
        let words = schema.range_words().unwrap_or_default();
        return Err(format!("`{}` may be {words}", schema.name));
    }
    Ok(held)
}

#[cfg(test)]
mod tests {
    use super::super::super::model::Given;
    use super::*;

    fn schema(kinds: &[easel_engine::Kind], range: Option<std::ops::RangeInclusive<f64>>) -> InputSchema {
        InputSchema {
            name: "n".into(),
            kinds: kinds.to_vec(),
            given: Given::Optional,
            range,
            choices: Vec::new(),
            about: String::new(),
        }
    }

    #[test]
    fn numbers_step_within_their_range() {
        let whole = schema(&[kinds::INTEGER], Some(2.0..=1000.0));
        let of = |from: i64, by| stepped(&whole, Some(Literal::Integer(from)), by).map(|next| next.to_string());
        assert_eq!((of(25, 1), of(25, -10), of(995, 10)), (Ok("26".into()), Ok("15".into()), Ok("1000".into())));
        assert_eq!(of(1000, 1), Err("`n` may be 2 to 1000".into()));
        assert_eq!(stepped(&whole, None, 1).map(|next| next.to_string()), Ok("3".into()));
        let large = schema(&[kinds::INTEGER], None);
        assert_eq!(stepped(&large, Some(Literal::Integer(i64::MAX)), 10), Ok(Literal::Integer(i64::MAX)));
        let exact = Literal::Integer(9_007_199_254_740_993);
        assert_eq!(stepped(&large, Some(exact), 1), Ok(Literal::Integer(9_007_199_254_740_994)));
        let float = schema(&[kinds::FLOAT], Some(0.0..=f64::INFINITY));
        let of = |from: f64, by| stepped(&float, Some(Literal::Float(from)), by).map(|next| next.to_string());
        assert_eq!((of(4.0, 1), of(7.5, 10), of(0.3, -1)), (Ok("4.1".into()), Ok("8.5".into()), Ok("0.29".into())));
        assert_eq!((of(0.0, 1), of(0.0, -1)), (Ok("0.1".into()), Err("`n` may be at least 0".into())));
        assert_eq!(of(250.0, 1), Ok("260.0".into()));
    }

    #[test]
    fn words_and_toggles_go_round() {
        let word = InputSchema { choices: vec!["a".into(), "b".into()], ..schema(&[kinds::TEXT], None) };
        let of = |word: &InputSchema, from: &str, by| stepped(word, Some(Literal::Text(from.into())), by);
        assert_eq!(of(&word, "b", 1), Ok(Literal::Text("a".into())));
        assert_eq!(of(&word, "a", -10), Ok(Literal::Text("b".into())));
        assert_eq!(of(&word, "?", 1), Ok(Literal::Text("a".into())));
        let toggle = schema(&[kinds::BOOLEAN], None);
        assert_eq!(stepped(&toggle, None, 1), Ok(Literal::Boolean(true)));
        assert_eq!(stepped(&toggle, Some(Literal::Boolean(true)), -1), Ok(Literal::Boolean(false)));
        assert!(stepped(&schema(&[kinds::TEXT], None), None, 1).is_err());
    }
}
