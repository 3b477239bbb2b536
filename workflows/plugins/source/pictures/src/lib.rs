//! Colours: a plugin with two node types.

use easel_plugin::{Call, Failure, Image, Input, NodeType, Output, Result, plugin};

plugin! {
    "Does something to the colours of pictures.",
    NodeType::new("Invert", "Turns every colour into its opposite.", invert)
        .input(Input::new::<Image>("image", "pictures"))
        .input(Input::new::<f64>("amount", "0 changes nothing, 0.5 gives grey, 1 the opposite").range(0.0, 1.0).default(1.0))
        .output(Output::new::<Image>("image", "the same pictures in other colours")),
    NodeType::new("Duotone", "Prints pictures with two inks: dark places in one colour, bright ones in another.", duotone)
        .input(Input::new::<Image>("image", "pictures"))
        .input(Input::new::<String>("dark", "the colour of what is black, as \"#rrggbb\"").default("#1b1464"))
        .input(Input::new::<String>("bright", "the colour of what is white").default("#ffd56b"))
        .output(Output::new::<Image>("image", "the same pictures in two colours")),
}

fn invert(call: &mut Call) -> Result {
    let mut image: Image = call.take("image")?;
    let factor = 1.0 - 2.0 * call.take::<f64>("amount")? as f32;
    image.values_mut().iter_mut().for_each(|value| *value *= factor);
    call.give("image", image)
}

fn duotone(call: &mut Call) -> Result {
    let mut image: Image = call.take("image")?;
    let (dark, bright) = (colour(call, "dark")?, colour(call, "bright")?);
    for pixel in image.pixels_mut() {
        let [red, green, blue] = *pixel;
        // How bright it is to people (ITU-R BT.601), 0 to 1.
        let light = (0.299 * red + 0.587 * green + 0.114 * blue).clamp(-1.0, 1.0) * 0.5 + 0.5;
        *pixel = std::array::from_fn(|channel| dark[channel] + light * (bright[channel] - dark[channel]));
    }
    call.give("image", image)
}

/// `#rrggbb`, each from -1 to 1.
fn colour(call: &Call, input: &str) -> Result<[f32; 3]> {
    let text: String = call.take(input)?;
    let wrong = || {
        Failure::new(format!("{input}: {text:?} is no colour")).with_hint("write it as \"#rrggbb\", like \"#ff8800\"")
    };
    let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.is_ascii()).ok_or_else(wrong)?;
    let mut colour = [0.0; 3];
    for (channel, at) in colour.iter_mut().zip([0, 2, 4]) {
        let level = u8::from_str_radix(&digits[at..at + 2], 16).map_err(|_| wrong())?;
        *channel = f32::from(level) / 127.5 - 1.0;
    }
    Ok(colour)
}
