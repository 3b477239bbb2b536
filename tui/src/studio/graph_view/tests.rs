use std::path::Path;

use easel_engine::{Document, Graph, Source};

use super::*;
use crate::studio::fixture;
use crate::studio::layout::layout;

/// The scene of a workflow that ships.
fn shipped(name: &str) -> Scene {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../workflows").join(name);
    let source = Source::read(&path).expect("it ships");
    let registry = easel_nodes::registry();
    let (document, mut diagnostics) = Document::parse(&source);
    let (graph, more) = Graph::build(&document, &registry);
    diagnostics.extend(more);
    Scene::of(&document, &graph, &diagnostics)
}

#[test]
fn look() {
    for name in [
        "text_to_image.ron",
        "draw_until_good.ron",
        "upscale_folder.ron",
        "embedding_arithmetic.ron",
        "mix_picture_and_text.ron",
    ] {
        let scene = shipped(name);
        for detail in Detail::ALL {
            let layout = layout(&scene, detail);
            let none = BTreeSet::new();
            let view = GraphView {
                scene: &scene,
                layout: &layout,
                detail,
                camera: Camera::default(),
                statuses: &[],
                selected: None,
                marked: &none,
                focus: None,
                found: &none,
                theme: &Plain::default(),
            };
            let area = Rect::new(0, 0, layout.size.0.min(260) as u16, layout.size.1.min(80) as u16);
            let mut buffer = Buffer::empty(area);
            view.render(area, &mut buffer);
            println!("{name} {detail:?} {:?}\n{}", layout.size, fixture::text(&buffer));
        }
    }
}
