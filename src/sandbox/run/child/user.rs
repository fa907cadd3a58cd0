//! Users and groups as an image names them, looked up in the files of the root that this process is in.

use std::fs;

use super::Attempt;

#[derive(Debug, PartialEq)]
pub struct User {
    pub uid: u32,
    pub gid: u32,
    pub home: String,
}

/// `user`, `uid`, `user:group`, `uid:gid`; nothing is root.
pub fn find(text: &str) -> Attempt<User> {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    look_up(text, &read("/etc/passwd"), &read("/etc/group"))
}

fn look_up(text: &str, users: &str, groups: &str) -> Attempt<User> {
    let (user, group) = text.split_once(':').unwrap_or((text, ""));
    let user = if user.is_empty() { "0" } else { user };
    let known = row(users, user);
    let field = |at: usize| known.as_ref().and_then(|row| row.get(at).copied());
    let number = |at| field(at).and_then(|text: &str| text.parse().ok());
    let uid = number(2).or_else(|| user.parse().ok());
    let uid = uid.ok_or_else(|| format!("unable to find user {user}: no matching entries in passwd file"))?;
    let gid = match group {
        "" => number(3).unwrap_or(0),
        group => row(groups, group)
            .and_then(|row| row.get(2)?.parse().ok())
            .or_else(|| group.parse().ok())
            .ok_or_else(|| format!("unable to find group {group}: no matching entries in group file"))?,
    };
    Ok(User { uid, gid, home: field(5).filter(|home| !home.is_empty()).unwrap_or("/").to_owned() })
}

/// The line of a name or of a number.
fn row<'a>(table: &'a str, wanted: &str) -> Option<Vec<&'a str>> {
    let mut rows = table.lines().map(|line| line.split(':').collect::<Vec<_>>());
    rows.clone().find(|row| row[0] == wanted).or_else(|| rows.find(|row| row.get(2) == Some(&wanted)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const USERS: &str = "root:x:0:0:root:/root:/bin/sh\napp:x:1001:1002::/srv:/bin/false\n";
    const GROUPS: &str = "root:x:0:\nweb:x:33:\n";

    fn found(text: &str) -> User {
        look_up(text, USERS, GROUPS).unwrap()
    }

    #[test]
    fn user_is_found_by_name_and_by_number() {
        assert_eq!(found("app"), User { uid: 1001, gid: 1002, home: "/srv".into() });
        assert_eq!(found("1001:web"), User { uid: 1001, gid: 33, home: "/srv".into() });
        assert_eq!(found("4711"), User { uid: 4711, gid: 0, home: "/".into() });
        assert_eq!(found(""), User { uid: 0, gid: 0, home: "/root".into() });
    }

    #[test]
    fn user_nobody_knows_is_refused() {
        assert!(look_up("nobody", USERS, GROUPS).unwrap_err().contains("nobody"));
        assert!(look_up("app:none", USERS, GROUPS).unwrap_err().contains("none"));
    }
}
