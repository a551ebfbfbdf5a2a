"""The table of contents: every command, where it is, what it does, and an example."""

from dataclasses import dataclass

NAME = "deliveryd"
RUN, SEND, LOOK, CHANGE, TRY, HELP = "Run", "Send", "Look", "Change", "Try", "Help"
GROUPS = (RUN, SEND, LOOK, CHANGE, TRY, HELP)
"""In the order in which --help shows them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command. Its module is imported when it is called."""

    words: str
    """What is typed, one word or two."""
    place: str
    """Module and function in this room."""
    group: str
    does: str
    example: str
    """The arguments of one."""
    is_foreign: bool = False
    """Whether it has options, and a --help, of its own."""


FAMILIES = {
    "config": (RUN, "The settings, and where they come from."),
    "job": (LOOK, "What is going on, and how far it is."),
    "queue": (LOOK, "What waits, and for how long."),
    "topology": (RUN, "The exchanges and queues at the broker."),
    "events": (LOOK, "What the daemon tells the world."),
    "directory": (CHANGE, "Customers, their people, contacts and lists, by the file."),
    "key": (CHANGE, "Tokens by which requests of a dialect say who asks."),
    "dead": (CHANGE, "Parcels that nothing could be done with."),
    "credit": (CHANGE, "Accounts of credit: what mail is paid from."),
    "doubt": (CHANGE, "Deliveries of which nobody knows whether they were taken."),
}
"""First words of two: their group, and what they are about."""

ALL = (
    Command(
        words="serve",
        place="serve:serve",
        group=RUN,
        does="Run the daemon.",
        example="--config config.toml --only intake",
    ),
    Command(
        words="migrate",
        place="migrate:migrate",
        group=RUN,
        does="Bring the database to this program's schema.",
        example="--dry-run",
    ),
    Command(
        words="check-config",
        place="check_config:check_config",
        group=RUN,
        does="Check the configuration.",
        example="--config config.toml --show",
    ),
    Command(
        words="config show",
        place="config_show:show",
        group=RUN,
        does="Show every setting, and where it was set.",
        example="--non-default --origin",
    ),
    Command(
        words="topology show",
        place="topology:show",
        group=RUN,
        does="Show what must exist.",
        example="--json > definitions.json",
    ),
    Command(
        words="topology check",
        place="topology:check",
        group=RUN,
        does="Compare it with what is there.",
        example="--quiet || deliveryd topology apply",
    ),
    Command(
        words="topology apply",
        place="topology:apply",
        group=RUN,
        does="Make what is missing.",
        example="--set rabbitmq.prefix=staging",
    ),
    Command(
        words="send",
        place="send:send",
        group=SEND,
        does="Send a request through RabbitMQ and show its answer.",
        example="--to ann@example.com --subject Hello --text 'It works.' --wait",
    ),
    Command(
        words="validate",
        place="validate:validate",
        group=SEND,
        does="Check a request without sending it.",
        example="request.json",
    ),
    Command(
        words="top",
        place="top:top",
        group=LOOK,
        does="Watch how things go: rates, what waits and why, what went wrong.",
        example="--once --json",
    ),
    Command(
        words="queue shape",
        place="queue:shape",
        group=LOOK,
        does="Show what waits, by domain and age.",
        example="--deferred --limit 10",
    ),
    Command(
        words="job list",
        place="job:show_all",
        group=LOOK,
        does="List the jobs that haven't ended, and how far each is.",
        example="--customer 7 --all",
    ),
    Command(
        words="job show",
        place="job:show",
        group=LOOK,
        does="Show how far a job is, and when it may have ended.",
        example="order-4711 --watch",
    ),
    Command(
        words="status",
        place="jobs:status",
        group=LOOK,
        does="Show how a job stands.",
        example="email_5f3fbce61266e --json",
    ),
    Command(
        words="deliveries",
        place="jobs:deliveries",
        group=LOOK,
        does="List the deliveries of a job.",
        example="order-4711 --state deferred",
    ),
    Command(
        words="trace",
        place="trace:trace",
        group=LOOK,
        does="Tell what happened, what it waits for, and until when.",
        example="ann@example.com",
    ),
    Command(
        words="events tail",
        place="events:tail",
        group=LOOK,
        does="Show events as they are told.",
        example="--type delivery.bounced --customer 7 --json",
    ),
    Command(
        words="events replay",
        place="events:replay",
        group=LOOK,
        does="Tell events again, under the same ids.",
        example="--job order-4711",
    ),
    Command(
        words="audit",
        place="audit:audit",
        group=LOOK,
        does="Recompute every job's numbers; exit 1 if any doesn't fit.",
        example="--json",
    ),
    Command(
        words="instances",
        place="instances:instances",
        group=LOOK,
        does="List who is there, and what each has in hand.",
        example="--json",
    ),
    Command(
        words="cancel",
        place="control:cancel",
        group=CHANGE,
        does="Take back what hasn't started.",
        example="order-4711",
    ),
    Command(
        words="pause",
        place="control:pause",
        group=CHANGE,
        does="Start nothing more of a job or a customer.",
        example="--customer 7",
    ),
    Command(
        words="resume",
        place="control:resume",
        group=CHANGE,
        does="The end of a pause.",
        example="order-4711",
    ),
    Command(
        words="reschedule",
        place="control:reschedule",
        group=CHANGE,
        does="Give what hasn't started another due time.",
        example="order-4711 --at +10m",
    ),
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
        words="dead list",
        place="dead:show_all",
        group=CHANGE,
        does="List the dead letters.",
        example="--reason delivery_limit --newer 1h",
    ),
    Command(
        words="dead show",
        place="dead:show",
        group=CHANGE,
        does="Show why a dead letter died, and how it was published.",
        example="5f3fbce612 --body",
    ),
    Command(
        words="dead replay",
        place="dead:replay",
        group=CHANGE,
        does="Put dead letters back where they were published.",
        example="--all --reason internal",
    ),
    Command(
        words="dead drop",
        place="dead:drop",
        group=CHANGE,
        does="Take dead letters away for good.",
        example="5f3fbce612 --yes",
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
    Command(
        words="doubt list",
        place="doubt:show",
        group=CHANGE,
        does="List the doubts that wait for a decision.",
        example="order-4711",
    ),
    Command(
        words="doubt resend",
        place="doubt:resend",
        group=CHANGE,
        does="Send them again.",
        example="5121",
    ),
    Command(
        words="doubt give-up",
        place="doubt:give_up",
        group=CHANGE,
        does="Count them as failed.",
        example="order-4711",
    ),
    Command(
        words="sink",
        place="sink:sink",
        group=TRY,
        does="Run an SMTP server that takes every mail and passes none on.",
        example="--listen 127.0.0.1:2525 --show",
        is_foreign=True,
    ),
    Command(
        words="completion",
        place="pages:completion",
        group=HELP,
        does="Print the completion for bash, zsh or fish.",
        example="bash > /etc/bash_completion.d/deliveryd",
    ),
    Command(
        words="man",
        place="pages:man",
        group=HELP,
        does="Print the manual page.",
        example="> /usr/local/share/man/man1/deliveryd.1",
    ),
)
