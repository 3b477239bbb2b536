//! Colours by role, for terminals that are dark or light and show many colours, few or none.

use std::collections::BTreeMap;
use std::str::FromStr;

use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;

use super::graph_view::{Look as Part, Palette};
use super::graphics::Pictures;

/// What something is drawn as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Text.
    Text,
    /// Text that matters less.
    Dim,
    /// Headings.
    Title,
    /// Borders of panes and boxes.
    Border,
    /// The border of what has the focus.
    Focus,
    /// What the cursor is on.
    Selection,
    /// What was marked.
    Marked,
    /// What a search found.
    Found,
    /// Keys in the key bar and in help.
    Key,
    /// The bar at the bottom and the one at the top.
    Bar,
    /// Errors and what failed.
    Error,
    /// Warnings and what was stopped.
    Warning,
    /// Hints and notes.
    Hint,
    /// What runs.
    Running,
    /// What is done.
    Done,
    /// What was known already.
    Cached,
    /// What waits or did not run.
    Waiting,
    /// A wire of no kind, and lines between parts.
    Wire,
    /// Something that was added.
    Added,
    /// Something that was removed.
    Removed,
}

impl Role {
    const ALL: [Role; 20] = [
        Role::Text,
        Role::Dim,
        Role::Title,
        Role::Border,
        Role::Focus,
        Role::Selection,
        Role::Marked,
        Role::Found,
        Role::Key,
        Role::Bar,
        Role::Error,
        Role::Warning,
        Role::Hint,
        Role::Running,
        Role::Done,
        Role::Cached,
        Role::Waiting,
        Role::Wire,
        Role::Added,
        Role::Removed,
    ];

    fn name(self) -> &'static str {
        match self {
            Role::Text => "text",
            Role::Dim => "dim",
            Role::Title => "title",
            Role::Border => "border",
            Role::Focus => "focus",
            Role::Selection => "selection",
            Role::Marked => "marked",
            Role::Found => "found",
            Role::Key => "key",
            Role::Bar => "bar",
            Role::Error => "error",
            Role::Warning => "warning",
            Role::Hint => "hint",
            Role::Running => "running",
            Role::Done => "done",
            Role::Cached => "cached",
            Role::Waiting => "waiting",
            Role::Wire => "wire",
            Role::Added => "added",
            Role::Removed => "removed",
        }
    }
}

/// How many colours the terminal shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Any.
    True,
    /// The 256 of xterm.
    Indexed,
    /// The 16 of old.
    Ansi,
    /// None: only bold, underlined and reversed.
    None,
}

impl Depth {
    /// What the environment says of the terminal.
    pub fn of(variable: &dyn Fn(&str) -> Option<String>) -> Depth {
        let value = |name: &str| variable(name).filter(|value| !value.is_empty());
        let term = value("TERM").unwrap_or_default();
        if value("NO_COLOR").is_some() || term == "dumb" {
            return Depth::None;
        }
        match value("COLORTERM").as_deref() {
            Some("truecolor" | "24bit") => Depth::True,
            _ if term.contains("direct") || term.contains("kitty") || term.contains("ghostty") => Depth::True,
            _ if term.contains("256") => Depth::Indexed,
            _ => Depth::Ansi,
        }
    }
}

/// Whether the background is dark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Ground {
    /// Light text on dark.
    Dark,
    /// Dark text on light.
    Light,
}

impl Ground {
    /// What the environment says of the terminal; dark, if it says nothing.
    pub fn of(variable: &dyn Fn(&str) -> Option<String>) -> Ground {
        // rxvt, Konsole and others: "foreground;background", numbers of the 16 colours.
        let background = variable("COLORFGBG").and_then(|value| value.rsplit(';').next()?.parse::<u8>().ok());
        if matches!(background, Some(7 | 9..=15)) { Ground::Light } else { Ground::Dark }
    }
}

/// A style of a theme's file: a colour, a colour of the background, and words like `bold`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Look {
    foreground: Option<(u8, u8, u8)>,
    background: Option<(u8, u8, u8)>,
    modifier: Modifier,
}

impl FromStr for Look {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut look = Look::default();
        let mut is_background = false;
        for word in text.split_whitespace() {
            match word {
                "on" => {
                    is_background = true;
                    continue;
                }
                "bold" => look.modifier |= Modifier::BOLD,
                "dim" => look.modifier |= Modifier::DIM,
                "italic" => look.modifier |= Modifier::ITALIC,
                "underlined" => look.modifier |= Modifier::UNDERLINED,
                "reversed" => look.modifier |= Modifier::REVERSED,
                colour => {
                    let colour = rgb(colour).ok_or_else(|| {
                        format!("`{colour}` is neither a colour like `#7aa2f7` nor `bold`, `dim`, `italic`, `underlined`, `reversed` or `on`")
                    })?;
                    *if is_background { &mut look.background } else { &mut look.foreground } = Some(colour);
                }
            }
        }
        Ok(look)
    }
}

fn rgb(text: &str) -> Option<(u8, u8, u8)> {
    let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.is_ascii())?;
    let part = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).ok();
    Some((part(0)?, part(2)?, part(4)?))
}

/// What a theme's file holds: `Theme(ground: Dark, roles: { "error": "#ff5555 bold" })`. What it does not name stays.
#[derive(Debug, Default, Deserialize)]
#[serde(rename = "Theme", default, deny_unknown_fields)]
pub struct ThemeFile {
    ground: Option<Ground>,
    roles: BTreeMap<String, String>,
    /// What pictures are drawn with.
    pub(crate) pictures: Option<Pictures>,
}

/// The styles of all roles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Theme {
    styles: BTreeMap<Role, Style>,
    kinds: Vec<Color>,
    ground: Ground,
    depth: Depth,
}

impl Theme {
    /// The theme that comes with easel.
    pub fn new(ground: Ground, depth: Depth) -> Self {
        let styles = Role::ALL.map(|role| (role, style(built_in(role, ground), depth))).into();
        let kinds = if ground == Ground::Dark { &DARK_KINDS } else { &LIGHT_KINDS };
        Theme { styles, kinds: kinds.iter().map(|&rgb| colour(rgb, depth)).collect(), ground, depth }
    }

    /// With what a file says; else which role or style is wrong.
    pub fn from_file(file: &ThemeFile, wanted: Option<Ground>, detected: Ground, depth: Depth) -> Result<Self, String> {
        let mut theme = Theme::new(wanted.or(file.ground).unwrap_or(detected), depth);
        for (name, text) in &file.roles {
            let role = Role::ALL.into_iter().find(|role| role.name() == name).ok_or_else(|| {
                format!("there is no role `{name}`: they are {}", Role::ALL.map(Role::name).join(", "))
            })?;
            let look: Look = text.parse().map_err(|why| format!("of the role `{name}`: {why}"))?;
            theme.styles.insert(role, style(look, depth));
        }
        Ok(theme)
    }

    /// How something of this role looks.
    pub fn style(&self, role: Role) -> Style {
        self.styles.get(&role).copied().unwrap_or_default()
    }

    /// The colour of a pixel; none if there are too few colours for pictures.
    pub fn pixel(&self, [red, green, blue]: [u8; 3]) -> Option<Color> {
        matches!(self.depth, Depth::True | Depth::Indexed).then(|| colour((red, green, blue), self.depth))
    }

    /// How many colours there are.
    pub fn depth(&self) -> Depth {
        self.depth
    }

    /// What it is made for.
    pub fn ground(&self) -> Ground {
        self.ground
    }

    /// The colour of a kind of values: the same for the same name, always.
    pub fn kind_colour(&self, kind: &str) -> Style {
        if self.depth == Depth::None {
            return Style::new();
        }
        // FNV-1a: spreads short names well, and is the same everywhere.
        let hash = kind
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
        let index = (hash >> 32) as usize % self.kinds.len();
        Style::new().fg(self.kinds[index])
    }
}

impl Palette for Theme {
    fn look(&self, part: Part) -> Style {
        self.style(match part {
            Part::Border => Role::Border,
            Part::Selected => Role::Focus,
            Part::Marked => Role::Marked,
            Part::Found => Role::Found,
            Part::Name => Role::Title,
            Part::Dim => Role::Dim,
            Part::Socket => Role::Text,
            Part::Literal => Role::Hint,
            Part::Error => Role::Error,
            Part::Warning => Role::Warning,
            Part::Running => Role::Running,
            Part::Done => Role::Done,
            Part::Cached => Role::Cached,
            Part::Waiting => Role::Waiting,
            Part::Viewport => Role::Selection,
        })
    }

    fn group(&self, colour: Option<&str>) -> Style {
        // By the hues that kinds have.
        let hue = match colour {
            Some("red") => 5,
            Some("orange") => 7,
            Some("yellow") => 2,
            Some("green") => 1,
            Some("teal") => 6,
            Some("blue") => 0,
            Some("purple") => 3,
            Some("pink") => 9,
            _ => return self.style(Role::Hint),
        };
        if self.depth == Depth::None { Style::new() } else { Style::new().fg(self.kinds[hue % self.kinds.len()]) }
    }

    fn kind(&self, kind: &str) -> Style {
        if kind.is_empty() { self.style(Role::Wire) } else { self.kind_colour(kind) }
    }
}

/// Twelve hues that can be told apart on dark.
const DARK_KINDS: [(u8, u8, u8); 12] = [
    (0x7a, 0xa2, 0xf7),
    (0x9e, 0xce, 0x6a),
    (0xe0, 0xaf, 0x68),
    (0xbb, 0x9a, 0xf7),
    (0x7d, 0xcf, 0xff),
    (0xf7, 0x76, 0x8e),
    (0x73, 0xda, 0xca),
    (0xff, 0x9e, 0x64),
    (0xc0, 0xca, 0xf5),
    (0xd7, 0x87, 0xd7),
    (0xc3, 0xe8, 0x8d),
    (0x5f, 0xaf, 0xaf),
];

/// The same, on light.
const LIGHT_KINDS: [(u8, u8, u8); 12] = [
    (0x2e, 0x5a, 0xc8),
    (0x3d, 0x7a, 0x1c),
    (0x8f, 0x5e, 0x15),
    (0x78, 0x47, 0xbd),
    (0x00, 0x71, 0x97),
    (0xc6, 0x2f, 0x52),
    (0x11, 0x7a, 0x65),
    (0xb1, 0x5c, 0x00),
    (0x34, 0x3b, 0x58),
    (0x96, 0x2f, 0x96),
    (0x58, 0x75, 0x39),
    (0x2f, 0x6f, 0x6f),
];

fn built_in(role: Role, ground: Ground) -> Look {
    let (dark, light) = match role {
        Role::Text => ("", ""),
        Role::Dim => ("#7a819e", "#6c7086"),
        Role::Title => ("#c0caf5 bold", "#1e1e2e bold"),
        Role::Border => ("#565f89", "#9ca0b0"),
        Role::Focus => ("#7aa2f7 bold", "#1e66f5 bold"),
        Role::Selection => ("#ffffff on #33467c bold", "#000000 on #b7cdfb bold"),
        Role::Marked => ("#bb9af7 bold", "#8839ef bold"),
        Role::Found => ("#1a1b26 on #e0af68", "#000000 on #f2d58f"),
        Role::Key => ("#7dcfff bold", "#0b6ea8 bold"),
        Role::Bar => ("#a9b1d6 on #24283b", "#303446 on #dce0e8"),
        Role::Error => ("#f7768e bold", "#d20f39 bold"),
        Role::Warning => ("#e0af68", "#a15c00"),
        Role::Hint => ("#7dcfff", "#0b6ea8"),
        Role::Running => ("#7aa2f7 bold", "#1e66f5 bold"),
        Role::Done => ("#9ece6a", "#40891d"),
        Role::Cached => ("#73daca", "#117a65"),
        Role::Waiting => ("#7a819e", "#6c7086"),
        Role::Wire => ("#565f89", "#9ca0b0"),
        Role::Added => ("#9ece6a", "#40891d"),
        Role::Removed => ("#f7768e", "#d20f39"),
    };
    let text = if ground == Ground::Dark { dark } else { light };
    text.parse().unwrap_or_default()
}

fn style(look: Look, depth: Depth) -> Style {
    let mut style = Style::new().add_modifier(look.modifier);
    if depth == Depth::None {
        // A background is all that tells a selection from the rest.
        return if look.background.is_some() { style.add_modifier(Modifier::REVERSED) } else { style };
    }
    if let Some(foreground) = look.foreground {
        style = style.fg(colour(foreground, depth));
    }
    match look.background {
        // Of 16 colours, two that are near each other are easily the same.
        Some(_) if depth == Depth::Ansi => style.add_modifier(Modifier::REVERSED),
        Some(background) => style.bg(colour(background, depth)),
        None => style,
    }
}

fn colour((red, green, blue): (u8, u8, u8), depth: Depth) -> Color {
    match depth {
        Depth::True => Color::Rgb(red, green, blue),
        Depth::Indexed => Color::Indexed(indexed(red, green, blue)),
        Depth::Ansi => ansi(red, green, blue),
        Depth::None => Color::Reset,
    }
}

/// The nearest of xterm's cube of 6 × 6 × 6 colours and of its 24 greys.
fn indexed(red: u8, green: u8, blue: u8) -> u8 {
    const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    let nearest = |part: u8| (0..6_u8).min_by_key(|&level| LEVELS[usize::from(level)].abs_diff(part)).unwrap_or(0);
    let (r, g, b) = (nearest(red), nearest(green), nearest(blue));
    let distance = |one: [u8; 3]| -> u32 {
        one.iter().zip([red, green, blue]).map(|(&one, other)| u32::from(one.abs_diff(other)).pow(2)).sum()
    };
    let cube = distance([r, g, b].map(|level| LEVELS[usize::from(level)]));
    let mean = (u16::from(red) + u16::from(green) + u16::from(blue)) / 3;
    let grey = (mean.saturating_sub(3) / 10).min(23) as u8;
    if distance([8 + grey * 10; 3]) < cube { 232 + grey } else { 16 + 36 * r + 6 * g + b }
}

/// The colour of the 16 with that hue. Greys become the terminal's own.
fn ansi(red: u8, green: u8, blue: u8) -> Color {
    let (most, least) = (red.max(green).max(blue), red.min(green).min(blue));
    if most - least < 48 {
        return if (96..192).contains(&most) { Color::DarkGray } else { Color::Reset };
    }
    let middle = least + (most - least) / 2;
    match (red > middle, green > middle, blue > middle) {
        (true, false, false) => Color::Red,
        (false, true, false) => Color::Green,
        (false, false, true) => Color::Blue,
        (true, true, _) => Color::Yellow,
        (true, false, true) => Color::Magenta,
        _ => Color::Cyan,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &'static [(&str, &str)]) -> impl Fn(&str) -> Option<String> {
        move |name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_string())
    }

    #[test]
    fn the_environment_says_how_many_colours_there_are() {
        assert_eq!(Depth::of(&variables(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")])), Depth::True);
        assert_eq!(Depth::of(&variables(&[("TERM", "xterm-256color")])), Depth::Indexed);
        assert_eq!(Depth::of(&variables(&[("TERM", "vt220")])), Depth::Ansi);
        assert_eq!(Depth::of(&variables(&[("COLORTERM", "truecolor"), ("NO_COLOR", "1")])), Depth::None);
        assert_eq!(Depth::of(&variables(&[("TERM", "dumb")])), Depth::None);
        assert_eq!(Ground::of(&variables(&[("COLORFGBG", "0;15")])), Ground::Light);
        assert_eq!(Ground::of(&variables(&[("COLORFGBG", "15;default;0")])), Ground::Dark);
        assert_eq!(Ground::of(&variables(&[])), Ground::Dark);
    }

    #[test]
    fn every_built_in_style_can_be_read() {
        for ground in [Ground::Dark, Ground::Light] {
            for role in Role::ALL {
                let is_plain = built_in(role, ground) == Look::default();
                assert_eq!(is_plain, role == Role::Text, "{}", role.name());
            }
        }
    }

    #[test]
    fn without_colours_the_selection_is_still_seen() {
        for depth in [Depth::Ansi, Depth::None] {
            let theme = Theme::new(Ground::Dark, depth);
            assert!(theme.style(Role::Selection).add_modifier.contains(Modifier::REVERSED), "{depth:?}");
            assert!(!theme.style(Role::Text).add_modifier.contains(Modifier::REVERSED), "{depth:?}");
        }
        let theme = Theme::new(Ground::Dark, Depth::None);
        assert!(Role::ALL.iter().all(|role| theme.style(*role).fg.is_none() && theme.style(*role).bg.is_none()));
        assert_eq!(theme.kind_colour("Image"), Style::new());
    }

    #[test]
    fn a_kind_has_one_colour() {
        let theme = Theme::new(Ground::Dark, Depth::True);
        assert_eq!(theme.kind_colour("Image"), theme.kind_colour("Image"));
        let colours: std::collections::HashSet<_> =
            ["Image", "Text", "Integer", "Float", "Tokens"].iter().map(|kind| theme.kind_colour(kind).fg).collect();
        assert!(colours.len() >= 4, "most can be told apart: {colours:?}");
    }

    #[test]
    fn a_file_changes_what_it_names() {
        let file: ThemeFile =
            ron::from_str(r##"Theme(ground: Some(Light), roles: { "error": "#ff0000 on #000000 underlined" })"##)
                .expect("it is one");
        let theme = Theme::from_file(&file, None, Ground::Dark, Depth::True).expect("it is sound");
        let error = theme.style(Role::Error);
        assert_eq!((error.fg, error.bg), (Some(Color::Rgb(255, 0, 0)), Some(Color::Rgb(0, 0, 0))));
        let light = Theme::new(Ground::Light, Depth::True);
        assert_eq!(theme.style(Role::Title), light.style(Role::Title));
    }

    #[test]
    fn a_file_that_is_wrong_says_where() {
        let wrong = |role: &str, look: &str| {
            let file = ThemeFile { roles: [(role.to_string(), look.to_string())].into(), ..ThemeFile::default() };
            Theme::from_file(&file, None, Ground::Dark, Depth::True).expect_err("it is wrong")
        };
        assert!(wrong("eror", "bold").contains("there is no role `eror`: they are text, dim"));
        assert!(wrong("error", "#12").contains("`#12` is neither a colour"));
        assert!(wrong("error", "#ééé").contains("`#ééé` is neither a colour"));
    }

    #[test]
    fn colours_are_brought_down_to_what_there_is() {
        assert_eq!(colour((255, 0, 0), Depth::Indexed), Color::Indexed(196));
        assert_eq!(colour((128, 128, 128), Depth::Indexed), Color::Indexed(244));
        assert_eq!(colour((0xf7, 0x76, 0x8e), Depth::Ansi), Color::Red);
        assert_eq!(colour((0x9e, 0xce, 0x6a), Depth::Ansi), Color::Yellow);
        assert_eq!(colour((0xc0, 0xca, 0xf5), Depth::Ansi), Color::Blue);
    }
}
