"""Who asks: the broker's word, a trusted user's word, or a dialect's own credentials (design 7)."""

from dataclasses import dataclass, replace

from daemon.config.sections import Intake
from daemon.dialects.dialect import Credentials
from daemon.directory.principals import Principal, Principals
from daemon.mail.refusal import Code, Refused, refused
from daemon.mail.request import commands

_INACTIVE = "the customer's requests aren't accepted at present"
_STRANGER = "this broker user speaks for no customer"
_NAMELESS = "a parcel must carry the `user_id` of its publisher"
_NOT_TRUSTED = "is believed only from users that the configuration trusts"
_NOBODY = "names no customer"
_NO_PERSON = "names nobody of this customer"
_NO_KEY = "names no key of his"


@dataclass(slots=True, kw_only=True)
class Asker:
    """Says for which customer a request speaks. `settings` may be replaced at a reload."""

    principals: Principals
    settings: Intake

    async def native(
        self, user: str | None, *, named: commands.Principal | None
    ) -> Principal | Refused:
        """By the user that the broker has checked; `named` is whom the body says it speaks for."""
        if named is not None:
            if user not in self.settings.trusted:
                return refused(Code.FORBIDDEN_ROLE, _NOT_TRUSTED, field="principal")
            return _trusted(await self._named(named))
        if user is None and self.settings.anonymous is None:
            return refused(Code.AUTH_MISSING, _NAMELESS)
        found = await self._active(self.number_of(user), _STRANGER, "")
        return _trusted(found) if user in self.settings.trusted else found

    async def _named(self, named: commands.Principal) -> Principal | Refused:
        """Whom a trusted user speaks for."""
        found = await self._active(named.customer_id, _NOBODY, "principal.customer_id")
        if isinstance(found, Refused):
            return found
        person = named.person_id
        if named.api_key_id is not None:
            key = await self.principals.key(named.customer_id, named.api_key_id)
            if key is None or (key.person_id and person not in {None, key.person_id}):
                return refused(Code.AUTH_INVALID, _NO_KEY, field="principal.api_key_id")
            found, person = replace(found, scopes=key.scopes), key.person_id or person
        if person is None:
            return found
        somebody = await self.principals.person(found.customer, person)
        if somebody is None:
            return refused(Code.AUTH_INVALID, _NO_PERSON, field="principal.person_id")
        return replace(somebody, scopes=found.scopes)

    async def foreign(self, credentials: Credentials) -> Principal | Refused:
        """By what a dialect's request has brought."""
        found = await self._proven(credentials)
        if found is None:
            return refused(Code.AUTH_INVALID, "the credentials are not known")
        return found if found.customer.is_active else refused(Code.FORBIDDEN_PLAN, _INACTIVE)

    async def _proven(self, by: Credentials) -> Principal | None:
        """A person's password, or a token, by whatever scheme that was brought."""
        if by.scheme == "password":
            return await self.principals.of_password(by.login, by.secret)
        return await self.principals.of_token(by.scheme, by.login, by.secret)

    def number_of(self, user: str | None) -> int:
        """The customer of a broker user, or of nobody; 0 = none."""
        if user is None:
            return self.settings.anonymous or 0
        return self.settings.users.get(user, 0)

    async def _active(self, number: int, unknown: str, field: str) -> Principal | Refused:
        found = await self.principals.customer(number) if number else None
        if found is None:
            return refused(Code.AUTH_INVALID, unknown, field=field)
        if not found.is_active:
            return refused(Code.FORBIDDEN_PLAN, _INACTIVE)
        return Principal(customer=found)


def _trusted(found: Principal | Refused) -> Principal | Refused:
    return found if isinstance(found, Refused) else replace(found, is_trusted=True)
