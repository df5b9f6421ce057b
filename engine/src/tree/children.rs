//! The children of an inner node, with an index to find an offset among hundreds of them.
//!
//! The index has the bytes of about [`GROUP`] children in one number, so a search looks at some tens of entries and not at
//! all. It is made when a node is, kept when the bytes below a child change or a leaf is split, and thrown away by any other
//! change; the next edit makes it again. Without it a search goes from child to child.

use std::ops::{Deref, DerefMut};

use super::Child;

/// So many children have one number in a new index.
const GROUP: usize = 16;
/// A group that has grown to more of them makes a new index worth while.
const GROUP_MAX: usize = 4 * GROUP;

/// Children in the order of their bytes. Whoever changes the list itself throws the index away.
#[derive(Clone, Default, Debug)]
pub struct Children {
    list: Vec<Child>,
    /// Empty if nobody knows.
    groups: Vec<Group>,
}

/// Neighbours.
#[derive(Clone, Copy, Debug)]
struct Group {
    children: usize,
    bytes: u64,
}

impl Group {
    fn of(children: &[Child]) -> Group {
        // A damaged node may hold any numbers; it is refused later.
        let bytes = children.iter().fold(0u64, |sum, child| sum.wrapping_add(child.bytes));
        Group { children: children.len(), bytes }
    }
}

impl From<Vec<Child>> for Children {
    fn from(list: Vec<Child>) -> Children {
        let mut children = Children { list, groups: Vec::new() };
        children.index();
        children
    }
}

impl From<Children> for Vec<Child> {
    fn from(children: Children) -> Vec<Child> {
        children.list
    }
}

impl Deref for Children {
    type Target = Vec<Child>;

    fn deref(&self) -> &Vec<Child> {
        &self.list
    }
}

impl DerefMut for Children {
    fn deref_mut(&mut self) -> &mut Vec<Child> {
        self.groups.clear();
        &mut self.list
    }
}

impl Children {
    /// Makes the index if there is none.
    pub fn index(&mut self) {
        if self.groups.is_empty() && self.list.len() > GROUP {
            self.groups = self.list.chunks(GROUP).map(Group::of).collect();
        }
    }

    /// The first child of which `goal` holds, given the bytes up to its end, and the bytes before it. Once `goal` holds it
    /// holds of all that follow.
    pub fn search(&self, goal: impl Fn(u64) -> bool) -> Option<(usize, u64)> {
        let (mut before, mut from) = (0, 0);
        for group in &self.groups {
            if goal(before + group.bytes) {
                break;
            }
            before += group.bytes;
            from += group.children;
        }
        for (at, child) in self.list.iter().enumerate().skip(from) {
            if goal(before + child.bytes) {
                return Some((at, before));
            }
            before += child.bytes;
        }
        None
    }

    /// Runs `change`, which may change how many bytes are below the child `at`.
    pub fn change_one<R>(&mut self, at: usize, change: impl FnOnce(&mut Child) -> R) -> R {
        let child = &mut self.list[at];
        let before = child.bytes;
        let result = change(child);
        let after = child.bytes;
        if let Some(group) = self.group_of(at) {
            group.bytes = group.bytes - before + after;
        }
        result
    }

    /// Puts `child` behind the child `at`.
    pub fn insert_behind(&mut self, at: usize, child: Child) {
        if let Some(group) = self.group_of(at) {
            group.children += 1;
            group.bytes += child.bytes;
            if group.children > GROUP_MAX {
                self.groups.clear();
            }
        }
        self.list.insert(at + 1, child);
    }

    fn group_of(&mut self, at: usize) -> Option<&mut Group> {
        let mut behind = 0;
        self.groups.iter_mut().find(|group| {
            behind += group.children;
            at < behind
        })
    }

    /// Whether the index, if there is one, is that of these children.
    pub fn is_sound(&self) -> bool {
        let mut rest = &self.list[..];
        let fits = |group: &Group| match rest.split_at_checked(group.children) {
            Some((children, others)) => {
                rest = others;
                Group::of(children).bytes == group.bytes
            }
            None => false,
        };
        self.groups.is_empty() || (self.groups.iter().all(fits) && rest.is_empty())
    }
}
