"""Steps 1 and 2: parcels become requests, requests become what is stored, and answers.

reading     a parcel → who asks what, or why not
desk        groups, acknowledgements, parcels that nothing can be done with
accept      sends: a whole group in one transaction
frames      open jobs: extend, close, what came early
carry       any single request → its verdict, by the rooms below
control, reschedule, subscriptions, doubts, replaying   the commands that change something
inquiries   the commands that only ask
post        answers and dead letters
unkeyed     parcels without a key, until their acknowledgement has arrived
sweep       what nobody asks for: old keys, jobs left open, frames left behind
"""
