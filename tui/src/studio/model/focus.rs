//! Sockets and wires by name: their places change with every change to the text.

use super::super::graph_view::Focus;
use super::super::scene::{Port, Scene};

/// What a cursor is on, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FocusName {
    Input(SocketName),
    Output(SocketName),
    Wire(SocketName, SocketName),
}

/// A node and one of its sockets.
type SocketName = (String, String);

impl FocusName {
    /// What it is called in a scene.
    pub(super) fn of(scene: &Scene, focus: Focus) -> Option<FocusName> {
        let input = |port: Port| {
            let node = scene.nodes.get(port.node)?;
            Some((node.id.clone(), node.inputs.get(port.socket)?.name.clone()))
        };
        let output = |port: Port| {
            let node = scene.nodes.get(port.node)?;
            Some((node.id.clone(), node.outputs.get(port.socket)?.name.clone()))
        };
        Some(match focus {
            Focus::Input(port) => FocusName::Input(input(port)?),
            Focus::Output(port) => FocusName::Output(output(port)?),
            Focus::Wire(wire) => {
                let wire = scene.wires.get(wire)?;
                FocusName::Wire(output(wire.from)?, input(wire.to)?)
            }
        })
    }

    /// Where it is in a scene.
    pub(super) fn find(&self, scene: &Scene) -> Option<Focus> {
        let input = |(id, name): &SocketName| {
            let node = scene.nodes.iter().position(|node| node.id == *id)?;
            let socket = scene.nodes[node].inputs.iter().position(|socket| socket.name == *name)?;
            Some(Port { node, socket })
        };
        let output = |(id, name): &SocketName| {
            let node = scene.nodes.iter().position(|node| node.id == *id)?;
            let socket = scene.nodes[node].outputs.iter().position(|socket| socket.name == *name)?;
            Some(Port { node, socket })
        };
        match self {
            FocusName::Input(name) => input(name).map(Focus::Input),
            FocusName::Output(name) => output(name).map(Focus::Output),
            FocusName::Wire(from, to) => {
                let (from, to) = (output(from)?, input(to)?);
                scene.wires.iter().position(|wire| (wire.from, wire.to) == (from, to)).map(Focus::Wire)
            }
        }
    }
}
