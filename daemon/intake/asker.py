"""Who asks: the broker's word, a trusted user's word, or a dialect's own credentials (design 7)."""

from dataclasses import dataclass

from daemon.config.sections import Intake
from daemon.dialects.dialect import Credentials
from daemon.directory.principals import Principals
from daemon.mail.refusal import Code, Refused, refused
from daemon.store.directory import Customer

_INACTIVE = "the customer's requests aren't accepted at present"
_STRANGER = "this broker user speaks for no customer"
_NAMELESS = "a parcel must carry the `user_id` of its publisher"
_NOT_TRUSTED = "is believed only from users that the configuration trusts"
_NOBODY = "names no customer"


@dataclass(slots=True, kw_only=True)
class Asker:
    """Says for which customer a request speaks. `settings` may be replaced at a reload."""

    principals: Principals
    settings: Intake

    async def native(self, user: str | None, *, named: int | None) -> Customer | Refused:
        """By the user that the broker has checked; `named` is whom the body says it speaks for."""
        if named is not None:
            if user not in self.settings.trusted:
                return refused(Code.FORBIDDEN_ROLE, _NOT_TRUSTED, field="principal")
            return await self._active(named, _NOBODY, "principal.customer_id")
        if user is None and self.settings.anonymous is None:
            return refused(Code.AUTH_MISSING, _NAMELESS)
        return await self._active(self.number_of(user), _STRANGER, "")

    async def foreign(self, credentials: Credentials) -> Customer | Refused:
        """By what a dialect's request has brought."""
        found = await self.principals.of_token(
            credentials.scheme, credentials.login, credentials.secret
        )
        if found is None:
            return refused(Code.AUTH_INVALID, "the credentials are not known")
        return found if found.is_active else refused(Code.FORBIDDEN_PLAN, _INACTIVE)

    def number_of(self, user: str | None) -> int:
        """The customer of a broker user, or of nobody; 0 = none."""
        if user is None:
            return self.settings.anonymous or 0
        return self.settings.users.get(user, 0)

    async def _active(self, number: int, unknown: str, field: str) -> Customer | Refused:
        found = await self.principals.customer(number) if number else None
        if found is None:
            return refused(Code.AUTH_INVALID, unknown, field=field)
        return found if found.is_active else refused(Code.FORBIDDEN_PLAN, _INACTIVE)
