//! Shows a picture in terminals that can.

use std::io::IsTerminal;
use std::path::Path;

/// Height in lines: a picture should not push everything else off the screen.
const LINES: u32 = 16;

/// How the terminal can show a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ability {
    /// By kitty's graphics protocol.
    Kitty,
    /// By iTerm2's inline pictures.
    ITerm,
    /// By coloured half blocks.
    Blocks,
}

/// Shows the picture on standard output, if a person sees it and the terminal can. A picture that cannot be shown is
/// no failure: it is on disk.
pub(crate) fn show(path: &Path) {
    let watched = std::io::stdout().is_terminal() && std::io::stderr().is_terminal();
    let Some(ability) = ability(&|name| std::env::var(name).ok()).filter(|_| watched) else { return };
    // Asking for kitty's protocol reads the terminal's answer from standard input.
    if ability == Ability::Kitty && !std::io::stdin().is_terminal() {
        return;
    }
    let Ok(picture) = image::open(path) else { return };
    let config = viuer::Config {
        absolute_offset: false,
        transparent: true,
        truecolor: true,
        height: Some(LINES),
        use_kitty: ability == Ability::Kitty,
        use_iterm: ability == Ability::ITerm,
        ..viuer::Config::default()
    };
    let _ = viuer::print(&picture, &config);
}

/// What the environment says of the terminal. Nothing is asked of the terminal itself unless it is known to answer:
/// one that does not would show the question as garbage, or be waited for without end.
fn ability(variable: &dyn Fn(&str) -> Option<String>) -> Option<Ability> {
    let is = |name: &str, wanted: &str| variable(name).is_some_and(|value| value == wanted);
    let term = variable("TERM").filter(|term| !term.is_empty() && term != "dumb")?;
    // Multiplexers swallow the graphics protocols but pass colours on.
    let multiplexed = variable("TMUX").is_some() || term.starts_with("screen") || term.starts_with("tmux");
    if !multiplexed {
        if term.contains("kitty") || term.contains("ghostty") || is("TERM_PROGRAM", "ghostty") {
            return Some(Ability::Kitty);
        }
        if is("TERM_PROGRAM", "iTerm.app") || is("TERM_PROGRAM", "WezTerm") || is("LC_TERMINAL", "iTerm2") {
            return Some(Ability::ITerm);
        }
    }
    let colours = is("COLORTERM", "truecolor") || is("COLORTERM", "24bit");
    let unwelcome = variable("NO_COLOR").is_some_and(|value| !value.is_empty());
    (colours && !unwelcome).then_some(Ability::Blocks)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Option<Ability> {
        ability(&|name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_string()))
    }

    #[test]
    fn only_terminals_that_can() {
        assert_eq!(of(&[("TERM", "xterm-kitty")]), Some(Ability::Kitty));
        assert_eq!(of(&[("TERM", "xterm-256color"), ("TERM_PROGRAM", "iTerm.app")]), Some(Ability::ITerm));
        assert_eq!(of(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")]), Some(Ability::Blocks));
        assert_eq!(of(&[("TERM", "xterm-256color")]), None, "256 colours make mud of a picture");
        assert_eq!(of(&[("TERM", "dumb"), ("COLORTERM", "truecolor")]), None);
        assert_eq!(of(&[("COLORTERM", "truecolor")]), None);
        assert_eq!(of(&[("TERM", "xterm"), ("COLORTERM", "24bit"), ("NO_COLOR", "1")]), None);
    }

    #[test]
    fn multiplexers_get_blocks() {
        let inside_kitty = [("TERM", "tmux-256color"), ("TMUX", "/tmp/tmux"), ("COLORTERM", "truecolor")];
        assert_eq!(of(&inside_kitty), Some(Ability::Blocks));
        assert_eq!(of(&[("TERM", "screen.xterm-kitty")]), None);
    }
}
