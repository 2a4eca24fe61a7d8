-- What is stored about one person: to hand it out, and to forget it. docs/DATA-PROTECTION.md tells what stays, and why.
--
-- This file can be run again without harm, after the one before it.

-- When a user was forgotten: what comes late about them keeps nothing but the hash of a session's id.
alter table public.authflow_user_marks add column if not exists forgotten_at timestamptz;

create index if not exists authflow_sessions_ended_of_user on public.authflow_sessions (user_id) where ended_at is not null;

-- Takes out of a user's sessions that have ended whose they were, and when: of one, or of all.
create or replace function public.authflow_strip(of_user uuid, of_hash text) returns void
language sql security invoker set search_path = '' as $$
  update public.authflow_sessions
    set user_id = null, created_at = null, idle_until = null, known_since = null, saved_at = null, asked_at = null,
      record_asked_at = null
    where user_id = of_user and ended_at is not null and (of_hash is null or id_hash = of_hash)
$$;

-- Applies a user's mark to sessions of theirs: to one that has just come, or to all when the mark is new.
create or replace function public.authflow_apply_mark(of_user uuid, to_hash text) returns void
language plpgsql security invoker set search_path = '' as $$
declare
  mark public.authflow_user_marks;
begin
  select * into mark from public.authflow_user_marks where user_id = of_user;
  if not found then
    return;
  end if;
  update public.authflow_sessions as session
    set ended_at = mark.ended_at, record = null
    where session.user_id = of_user and session.ended_at is null and (to_hash is null or session.id_hash = to_hash)
      -- Its time of creation is in whole seconds: too coarse for a session that follows the end of all others.
      and session.asked_at <= case when session.id_hash = mark.kept then mark.kept_ended_at else mark.ended_at end;
  update public.authflow_sessions as session
    set record = jsonb_set(session.record, '{aal}', '"aal1"')
    where session.user_id = of_user and session.ended_at is null and (to_hash is null or session.id_hash = to_hash)
      and session.record_asked_at <= mark.lowered_at and session.record ->> 'aal' is distinct from 'aal1';
  if mark.forgotten_at is not null then
    perform public.authflow_strip(of_user, to_hash);
  end if;
end
$$;

-- Ends every session of a user and forgets them; told twice, it is done once more. Of each session there stays, under the
-- hash of its id, that it has ended; of the user, for a week, the id with the moment, so that nothing late brings them back.
create or replace function public.authflow_forget(of_user uuid, at bigint) returns void
language plpgsql security invoker set search_path = '' set lock_timeout = '800ms' as $$
begin
  if of_user is null or at is null then
    raise exception 'authflow_forget needs a user and a moment' using errcode = '22023';
  end if;
  perform pg_advisory_xact_lock(1635087464, 1);
  perform public.authflow_apply_ended_all(of_user, null, to_timestamp(at::numeric / 1000));
  update public.authflow_user_marks
    set forgotten_at = greatest(forgotten_at, to_timestamp(at::numeric / 1000)), kept = null, kept_ended_at = null,
      lowered_at = null
    where user_id = of_user;
  perform public.authflow_apply_mark(of_user, null);
end
$$;

-- All that is stored about a user, without Supabase's tokens; and, of an address, who has sessions under it. Null where that
-- is nothing; of a user or an address that is not asked for there is an empty text.
create or replace function public.authflow_stored(of_user text, address text) returns jsonb
language sql stable security invoker set search_path = '' as $$
  select nullif(jsonb_strip_nulls(jsonb_build_object(
    'sessions', (
      select jsonb_agg(
        to_jsonb(session) || jsonb_build_object('record', record || '{"supabase": "sealed"}') order by created_at
      )
      from public.authflow_sessions as session where user_id = nullif(of_user, '')::uuid
    ),
    'owed', (select jsonb_agg(change order by seq) from public.authflow_owed where change ->> 'user_id' = of_user),
    'mark', (select to_jsonb(mark) from public.authflow_user_marks as mark where user_id = nullif(of_user, '')::uuid),
    'users', (
      select jsonb_agg(distinct user_id) from public.authflow_sessions
      where address <> '' and ended_at is null and record ->> 'email' = address
    )
  )), '{}')
$$;

do $$
declare
  ours text;
begin
  for ours in
    select oid::regprocedure from pg_catalog.pg_proc
    where pronamespace = 'public'::regnamespace and proname like 'authflow\_%'
  loop
    execute format('revoke all on function %s from public, anon, authenticated', ours);
    execute format('grant execute on function %s to service_role', ours);
  end loop;
end
$$;

-- PostgREST has to learn of the functions.
notify pgrst, 'reload schema';
