//! What a checkpoint takes down of the state, under the core's latch: the dirty nodes, each with blocks of its own.

use crate::base::{BLOCK_BYTES, BlockId, Result};
use crate::cache::{Capture, NodeWriter};
use crate::catalog::{Name, Store, StreamRecord};
use crate::env::Env;
use crate::format::extent::Extent;
use crate::map::CapturedMapNode;
use crate::space::{CapturedFreeNode, Space};
use crate::tree::{CapturedNode, Tree};

/// A dirty node that has its blocks.
pub(super) enum Piece {
    Tree(CapturedNode),
    Stream(CapturedMapNode<u64, StreamRecord>),
    Name(CapturedMapNode<Name, u64>),
    Free(CapturedFreeNode),
}

impl Piece {
    pub(super) fn write<E: Env>(&self, store: &Store<E>, writer: &mut impl NodeWriter) -> Result<()> {
        match self {
            Piece::Tree(node) => store.trees().write(node, writer),
            Piece::Stream(node) => store.streams().write(node, writer),
            Piece::Name(node) => store.names().write(node, writer),
            Piece::Free(node) => store.free().write(node, writer),
        }
    }
}

/// The nodes that were captured, in the order in which they are written.
pub(super) struct Pieces<'a, E: Env> {
    store: &'a Store<E>,
    space: &'a mut Space,
    pub(super) list: Vec<Piece>,
    pub(super) bytes: u64,
}

impl<'a, E: Env> Pieces<'a, E> {
    pub(super) fn new(store: &'a Store<E>, space: &'a mut Space) -> Pieces<'a, E> {
        Pieces { store, space, list: Vec::new(), bytes: 0 }
    }

    fn take(&mut self, bytes: usize) -> Result<Extent> {
        let extent = self.space.allocate(self.store.free(), bytes.div_ceil(BLOCK_BYTES) as u64)?;
        self.bytes += extent.bytes();
        Ok(extent)
    }

    /// Blocks for a tree of `bytes` bytes that are not known yet.
    pub(super) fn take_for_tree(&mut self, bytes: usize) -> Result<Homes> {
        struct Taker<'p, 'a, E: Env>(&'p mut Pieces<'a, E>, Vec<Extent>);
        impl<E: Env> Capture<CapturedNode> for Taker<'_, '_, E> {
            fn place(&mut self, bytes: usize) -> Result<BlockId> {
                let extent = self.0.take(bytes)?;
                self.1.push(extent);
                Ok(extent.start)
            }
            fn push(&mut self, _node: CapturedNode) {}
        }
        let alike = self.store.trees().build(vec![0; bytes]);
        let mut taker = Taker(self, Vec::new());
        alike.capture(&mut taker)?;
        Ok(Homes { blocks: taker.1.into_iter() })
    }
}

impl<E: Env> Capture<CapturedNode> for Pieces<'_, E> {
    fn place(&mut self, bytes: usize) -> Result<BlockId> {
        self.take(bytes).map(|extent| extent.start)
    }
    fn push(&mut self, node: CapturedNode) {
        self.list.push(Piece::Tree(node));
    }
}

impl<E: Env> Capture<CapturedMapNode<u64, StreamRecord>> for Pieces<'_, E> {
    fn place(&mut self, bytes: usize) -> Result<BlockId> {
        self.take(bytes).map(|extent| extent.start)
    }
    fn push(&mut self, node: CapturedMapNode<u64, StreamRecord>) {
        self.list.push(Piece::Stream(node));
    }
}

impl<E: Env> Capture<CapturedMapNode<Name, u64>> for Pieces<'_, E> {
    fn place(&mut self, bytes: usize) -> Result<BlockId> {
        self.take(bytes).map(|extent| extent.start)
    }
    fn push(&mut self, node: CapturedMapNode<Name, u64>) {
        self.list.push(Piece::Name(node));
    }
}

/// The blocks for a tree whose bytes are known only when everything else is written.
pub(super) struct Homes {
    blocks: std::vec::IntoIter<Extent>,
}

impl Homes {
    /// Writes `bytes` there, as many as the blocks were taken for.
    pub(super) fn fill<E: Env>(
        self,
        store: &Store<E>,
        bytes: Vec<u8>,
        writer: &mut impl NodeWriter,
    ) -> Result<Tree> {
        struct Mover(Homes, Vec<CapturedNode>);
        impl Capture<CapturedNode> for Mover {
            fn place(&mut self, bytes: usize) -> Result<BlockId> {
                let extent = self.0.blocks.next().expect("invariant: trees of one length are alike");
                assert_eq!(extent.blocks, bytes.div_ceil(BLOCK_BYTES) as u64, "a tree has other nodes");
                Ok(extent.start)
            }
            fn push(&mut self, node: CapturedNode) {
                self.1.push(node);
            }
        }
        let tree = store.trees().build(bytes);
        let mut mover = Mover(self, Vec::new());
        tree.capture(&mut mover)?;
        assert!(mover.0.blocks.next().is_none(), "a tree has fewer nodes");
        mover.1.iter().try_for_each(|node| store.trees().write(node, writer))?;
        Ok(tree)
    }
}
