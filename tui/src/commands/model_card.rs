//! A model's card, for people.

use easel_nodes::model_card::{ModelCard, Vocabulary};

use crate::error::CommandError;
use crate::terminal::{Output, Paint, printable};

/// Columns that long lists are broken to.
const WIDTH: usize = 100;

/// Prints what a card says.
pub(super) fn print(card: &ModelCard, paint: Paint, out: &mut Output) -> Result<(), CommandError> {
    out.line(format_args!("\n{}", printable(&card.about)))?;
    if let Some(vocabulary) = &card.vocabulary {
        for (title, words) in lists(vocabulary) {
            out.line(format_args!("\n{} ({})", paint.bold(title), words.len()))?;
            for line in broken(&words) {
                out.line(format_args!("  {}", printable(&line)))?;
            }
        }
    }
    if !card.licences.is_empty() {
        out.line(format_args!("\n{}", paint.bold("Licences")))?;
        for licence in &card.licences {
            out.line(format_args!("  {}: {}", printable(&licence.what), printable(&licence.licence)))?;
        }
    }
    if !card.evaluation.is_empty() {
        out.line(format_args!("\n{}", paint.bold("Evaluation")))?;
        for figure in &card.evaluation {
            out.line(format_args!("  {:5.1} %  {}", figure.value * 100.0, printable(&figure.what)))?;
        }
    }
    Ok(())
}

/// What a vocabulary holds, but for what is empty.
fn lists(vocabulary: &Vocabulary) -> impl Iterator<Item = (&'static str, Vec<&String>)> {
    let lists = [
        ("Draws, by name", vocabulary.concepts.keys().collect::<Vec<_>>()),
        ("In styles", vocabulary.styles.iter().collect()),
        ("In colours", vocabulary.colours.iter().collect()),
        ("Shapes", vocabulary.shapes.iter().collect()),
        ("Was told of, but not taught to draw", vocabulary.understood.keys().collect()),
    ];
    lists.into_iter().filter(|(_, words)| !words.is_empty())
}

/// Words with commas between them, in lines.
fn broken(words: &[&String]) -> Vec<String> {
    let mut lines = vec![String::new()];
    for (index, word) in words.iter().enumerate() {
        let comma = if index + 1 < words.len() { "," } else { "" };
        let last = lines.len() - 1;
        let line = &mut lines[last];
        if line.is_empty() {
            *line = format!("{word}{comma}");
        } else if line.chars().count() + word.chars().count() + 2 <= WIDTH {
            line.push_str(&format!(" {word}{comma}"));
        } else {
            lines.push(format!("{word}{comma}"));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_are_broken_between_words() {
        let words: Vec<String> = (0..60).map(|number| format!("word {number}")).collect();
        let lines = broken(&words.iter().collect::<Vec<_>>());
        assert!(lines.len() > 1 && lines.iter().all(|line| line.chars().count() <= WIDTH), "{lines:?}");
        assert_eq!(lines.join(" "), words.join(", "));
    }
}
