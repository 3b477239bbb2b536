//! The user's settings: keymap, theme, how pictures are drawn.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::graphics::Pictures;
use super::keymap::{Keymap, KeymapFile};
use super::theme::{Depth, Ground, Theme, ThemeFile};
use crate::error::CommandError;

/// Larger files are no settings.
const MOST_BYTES: u64 = 1 << 20;

/// The user's folder for settings: `EASEL_CONFIG`, else `easel` in `XDG_CONFIG_HOME` or `~/.config`.
fn folder() -> Option<PathBuf> {
    let folder = |variable| std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from);
    folder("EASEL_CONFIG")
        .or_else(|| folder("XDG_CONFIG_HOME").map(|config| config.join("easel")))
        .or_else(|| std::env::home_dir().map(|home| home.join(".config").join("easel")))
}

/// What the user's files say.
pub(crate) struct Config {
    /// Which key does what.
    pub(crate) keymap: Keymap,
    /// How things look.
    pub(crate) theme: Theme,
    /// What pictures are drawn with.
    pub(crate) pictures: Pictures,
}

/// Keymap and theme as the user wants them; the usual ones where no file says otherwise.
pub(crate) fn read(ground: Option<Ground>) -> Result<Config, CommandError> {
    let variable = |name: &str| std::env::var(name).ok();
    let (depth, detected) = (Depth::of(&variable), Ground::of(&variable));
    read_from(folder().as_deref(), ground, detected, depth)
}

fn read_from(
    folder: Option<&Path>,
    wanted: Option<Ground>,
    detected: Ground,
    depth: Depth,
) -> Result<Config, CommandError> {
    let (keys, theme) = match folder {
        Some(folder) => (folder.join("keys.ron"), folder.join("theme.ron")),
        None => {
            let theme = Theme::new(wanted.unwrap_or(detected), depth);
            return Ok(Config { keymap: Keymap::default(), theme, pictures: Pictures::default() });
        }
    };
    let keymap = match parse::<KeymapFile>(&keys)? {
        Some(file) => Keymap::from_file(&file).map_err(|wrong| refused(&keys, &wrong.join("\n  ")))?,
        None => Keymap::default(),
    };
    let mut pictures = Pictures::default();
    let theme = match parse::<ThemeFile>(&theme)? {
        Some(file) => {
            pictures = file.pictures.unwrap_or_default();
            Theme::from_file(&file, wanted, detected, depth).map_err(|why| refused(&theme, &why))?
        }
        None => Theme::new(wanted.unwrap_or(detected), depth),
    };
    Ok(Config { keymap, theme, pictures })
}

/// What a file holds; nothing if there is none.
fn parse<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, CommandError> {
    let metadata = match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(refused(path, &error.to_string())),
        Ok(metadata) => metadata,
    };
    if !metadata.is_file() || metadata.len() > MOST_BYTES {
        return Err(refused(path, "it is no file of settings"));
    }
    let text = std::fs::read_to_string(path).map_err(|error| refused(path, &error.to_string()))?;
    ron::from_str(&text).map(Some).map_err(|error| {
        let at = error.span.start;
        refused(path, &format!("line {}, column {}: {}", at.line, at.col, error.code))
    })
}

fn refused(path: &Path, why: &str) -> CommandError {
    CommandError::wrong(format!("`{}` is not as it should be:\n  {why}", path.display())).with_hint(
        "mend it, or move it away: without it, everything is as usual; `easel help tui` says what goes into it",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_with(name: &str, text: &str) -> Result<Config, CommandError> {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        std::fs::write(folder.path().join(name), text).expect("it can be written");
        read_from(Some(folder.path()), None, Ground::Dark, Depth::True)
    }

    #[test]
    fn without_files_everything_is_as_usual() {
        let config = read_with("other.ron", "").expect("nothing is wrong");
        assert_eq!(config.theme, Theme::new(Ground::Dark, Depth::True));
        assert_eq!(config.pictures, Pictures::Auto);
        let config = read_with("theme.ron", "Theme(pictures: Some(Sixel))").expect("nothing is wrong");
        assert_eq!(config.pictures, Pictures::Sixel);
    }

    #[test]
    fn what_is_wrong_with_a_file_is_told_with_its_place() {
        let of = |name: &str, text: &str| read_with(name, text).map(drop).expect_err("it is wrong").to_string();
        let broken = of("keys.ron", "Keymap(\n  keys: {\n    \"run\": 7,\n  },\n)");
        assert!(broken.contains("keys.ron") && broken.contains("line 3, column"), "{broken}");
        let unknown = of("keys.ron", r#"Keymap(keys: { "rnu": ["x"] })"#);
        assert!(unknown.contains("did you mean `run`?"), "{unknown}");
        let theme = of("theme.ron", r#"Theme(roles: { "text": "pink" })"#);
        assert!(theme.contains("theme.ron") && theme.contains("`pink`"), "{theme}");
        let field = of("theme.ron", "Theme(colours: 3)");
        assert!(field.contains("colours"), "{field}");
        assert!(of("keys.ron", "\u{1b}[2J garbage").contains("line 1"));
    }
}
