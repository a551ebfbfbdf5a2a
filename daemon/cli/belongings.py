"""The table of contents, second part: what belongs to customers."""

from daemon.cli.command import CHANGE, Command

FAMILIES = {
    "directory": (CHANGE, "Customers, their people, contacts and lists, by the file or the row."),
    "key": (CHANGE, "Tokens by which requests of a dialect say who asks."),
    "credit": (CHANGE, "Accounts of credit: what mail is paid from."),
    "suppression": (CHANGE, "Who isn't written to."),
}

ALL = (
    Command(
        words="directory import",
        place="directory:load",
        group=CHANGE,
        does="Bring customers, people, contacts and lists in, from files.",
        example="contact.csv list.csv list_member.csv",
    ),
    Command(
        words="directory export",
        place="directory:save",
        group=CHANGE,
        does="Write them to files, as an import reads them.",
        example="--to backup",
    ),
    Command(
        words="directory list",
        place="row:listed",
        group=CHANGE,
        does="List the rows of a customer.",
        example="person --customer 7",
    ),
    Command(
        words="directory get",
        place="row:get",
        group=CHANGE,
        does="Show one row.",
        example="person 5",
    ),
    Command(
        words="directory put",
        place="row:put",
        group=CHANGE,
        does="Enter a row, or change one.",
        example="person username=ann addresses=ann@example.com --customer 7",
    ),
    Command(
        words="directory delete",
        place="row:delete",
        group=CHANGE,
        does="Let one row go.",
        example="billing_contact 5",
    ),
    Command(
        words="suppression list",
        place="suppression:listed",
        group=CHANGE,
        does="List who isn't written to, and why.",
        example="--customer 7 --kind complaint",
    ),
    Command(
        words="suppression add",
        place="suppression:add",
        group=CHANGE,
        does="Let an address get nothing more.",
        example="ann@example.com --customer 7 --kind manual",
    ),
    Command(
        words="suppression lift",
        place="suppression:lift",
        group=CHANGE,
        does="Let one of them hold no more.",
        example="77",
    ),
    Command(
        words="key create",
        place="key:create",
        group=CHANGE,
        does="Make a key, and show its token this once.",
        example="--customer 7 --scope send --expires +90d",
    ),
    Command(
        words="key list",
        place="key:show_all",
        group=CHANGE,
        does="List the keys.",
        example="--customer 7 --all",
    ),
    Command(
        words="key revoke",
        place="key:revoke",
        group=CHANGE,
        does="Take a key back for good.",
        example="12",
    ),
    Command(
        words="credit show",
        place="credit:show",
        group=CHANGE,
        does="Show what an account holds.",
        example="7 --json",
    ),
    Command(
        words="credit topup",
        place="credit:topup",
        group=CHANGE,
        does="Pay in; the first time opens the account.",
        example="7 100 --key invoice-4711",
    ),
    Command(
        words="credit adjust",
        place="credit:adjust",
        group=CHANGE,
        does="Put a balance right, or change its floor or threshold.",
        example="7 -2.50 --low 20",
    ),
    Command(
        words="credit statement",
        place="credit:statement",
        group=CHANGE,
        does="List what was entered, by whom and when.",
        example="7 --limit 20",
    ),
)
