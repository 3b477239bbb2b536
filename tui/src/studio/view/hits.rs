//! What is at a place of the screen. It is found by drawing once more, so that it is what is seen there.

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::{Position, Rect};

use super::super::keymap::Chord;
use super::super::model::{Model, Overlay, Side};
use super::pen::Pen;
use super::{gallery, inputs, inspector, log, monitor, overlay, problems, queue, regions, runs};

/// The entry of the list in the side pane at a place.
pub(crate) fn entry_at(model: &Model, place: Position) -> Option<usize> {
    let area = Some(regions(model).side).filter(|area| area.contains(place))?;
    let line = place.y - area.y;
    let drawn = |draw: fn(&Model, &mut Pen<'_>)| {
        let mut buffer = Buffer::empty(area);
        let mut pen = Pen::new(area, &mut buffer);
        draw(model, &mut pen);
        pen.entry_at(line)
    };
    match model.side {
        Side::Inspector => drawn(inspector::draw),
        Side::Inputs => drawn(inputs::draw),
        Side::Problems => drawn(problems::draw),
        Side::Log => drawn(log::draw),
        Side::Runs => runs::at_line(model, area, line),
        Side::Gallery => gallery::at_place(model, place),
        Side::Queue => queue::at_line(model, area, line),
        Side::Monitor => monitor::at_line(model, area, line),
    }
}

/// The entry of the list in front at a place.
pub(crate) fn entry_in_front(model: &Model, place: Position) -> Option<usize> {
    let mut buffer = Buffer::empty(screen(model));
    let (area, entries) = overlay::list(model, model.overlay.as_ref()?, &mut buffer)?;
    let line = place.y.checked_sub(area.y).filter(|_| area.contains(place))?;
    entries.get(usize::from(line)).copied().flatten()
}

/// No letter that anybody draws.
const UNTOUCHED: &str = "\u{0}";

/// Whether a place is covered by what is in front.
pub(crate) fn is_in_front(model: &Model, overlay: &Overlay, place: Position) -> bool {
    let mut buffer = Buffer::filled(screen(model), Cell::new(UNTOUCHED));
    overlay::draw(model, overlay, &mut buffer);
    buffer.cell(place).is_some_and(|cell| cell.symbol() != UNTOUCHED)
}

/// The key that a click on the foot of what is in front stands for: of `enter saves, esc closes` the one it is on.
pub(crate) fn foot_key_at(model: &Model, overlay: &Overlay, place: Position) -> Option<Chord> {
    let mut buffer = Buffer::filled(screen(model), Cell::new(UNTOUCHED));
    overlay::draw(model, overlay, &mut buffer);
    let is_touched = |x: u16, y: u16| buffer.cell((x, y)).is_some_and(|cell| cell.symbol() != UNTOUCHED);
    if !is_touched(place.x, place.y) || is_touched(place.x, place.y + 1) {
        return None;
    }
    let letters: Vec<&str> = (0..model.size.0).map(|x| buffer[(x, place.y)].symbol()).collect();
    let words = words(&letters);
    // An entry ends with a comma, or with two spaces.
    let ends = |one: &Word, next: &Word| one.text.ends_with(',') || next.from > one.to + 1;
    let entries = words.chunk_by(|one, next| !ends(one, next));
    let here = |entry: &&[Word]| entry.iter().any(|word| (word.from..=word.to).contains(&usize::from(place.x)));
    key_of(entries.into_iter().find(here)?, usize::from(place.x))
}

/// A word of a line, with its columns: the first, and the one behind it.
struct Word {
    from: usize,
    to: usize,
    text: String,
}

/// The words of a line, without the frame around them.
fn words(letters: &[&str]) -> Vec<Word> {
    let is_blank = |letter: &str| letter == UNTOUCHED || " ─╰╯".contains(letter);
    let mut words: Vec<Word> = Vec::new();
    for (x, letter) in letters.iter().enumerate().filter(|(_, letter)| !is_blank(letter)) {
        match words.last_mut() {
            Some(word) if word.to == x => {
                word.text.push_str(letter);
                word.to = x + 1;
            }
            _ => words.push(Word { from: x, to: x + 1, text: (*letter).to_string() }),
        }
    }
    words
}

/// The key that an entry begins with; of several the one that is meant, or else the last.
fn key_of(entry: &[Word], x: usize) -> Option<Chord> {
    let key = |word: &Word| {
        let name = word.text.trim_end_matches(':');
        if name == "-" { "minus" } else { name }.parse().ok()
    };
    let keys: Vec<(&Word, Chord)> = entry.iter().map_while(|word| Some((word, key(word)?))).collect();
    let meant = keys.iter().find(|(word, _)| (word.from..word.to).contains(&x));
    meant.or(keys.last()).map(|(_, key)| *key)
}

fn screen(model: &Model) -> Rect {
    Rect { x: 0, y: 0, width: model.size.0, height: model.size.1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_foot_of_a_frame_is_keys_with_what_they_do() {
        let of = |foot: &str, x: usize| {
            let letters: Vec<String> = foot.chars().map(String::from).collect();
            let words = words(&letters.iter().map(String::as_str).collect::<Vec<_>>());
            key_of(&words, x).map(|key| key.to_string())
        };
        assert_eq!(of("╰ enter keeps it ─╯", 9).as_deref(), Some("enter"));
        assert_eq!(of(" alt-enter: line", 14).as_deref(), Some("alt-enter"));
        assert_eq!((of(" + - how much", 1).as_deref(), of(" + - how much", 3).as_deref()), (Some("+"), Some("minus")));
        assert_eq!(of(" r another seed", 5).as_deref(), Some("r"));
        assert_eq!(of(" 3 of 5", 1).as_deref(), Some("3"));
        assert_eq!(of(" no keys at all", 1), None);
    }
}
