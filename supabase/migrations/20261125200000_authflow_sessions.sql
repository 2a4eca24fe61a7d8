-- The sessions once more, for when Redis is away or has lost them. Redis is asked first, always.
--
-- Only the workers come here, with the service role's key; a browser never does. What happens to sessions is told in
-- changes, small JSON objects, and all go through authflow_apply: each can be applied twice, and they may come in any order,
-- because one that could not be written is tried again later. So a row that has ended stays ended, whatever comes after.
--
-- JSON has times in milliseconds since 1970. This file can be run again without harm.

-- A bare PostgreSQL lacks Supabase's roles.
do $$
begin
  if not exists (select from pg_catalog.pg_roles where rolname = 'anon') then
    create role anon nologin noinherit;
  end if;
  if not exists (select from pg_catalog.pg_roles where rolname = 'authenticated') then
    create role authenticated nologin noinherit;
  end if;
  if not exists (select from pg_catalog.pg_roles where rolname = 'service_role') then
    create role service_role nologin noinherit bypassrls;
  end if;
end
$$;

create table if not exists public.authflow_sessions (
  -- SHA-256 of the session's id, in hex: who reads this table learns no id.
  id_hash text primary key check (id_hash ~ '^[0-9a-f]{64}$'),
  -- Null where only the end is known.
  user_id uuid,
  -- As Redis has it. Its tokens of Supabase are encrypted.
  record jsonb,
  device_fingerprint text generated always as (record ->> 'device_fingerprint') stored,
  created_at timestamptz,
  -- Past it the session is over, however much it is used.
  expires_at timestamptz not null,
  -- Past it nobody knows: it may have been used while the database was away.
  idle_until timestamptz,
  -- Since when Redis has it.
  known_since timestamptz,
  -- When the record was written: a newer one is never replaced by an older.
  saved_at timestamptz,
  -- When the session was first asked for, and when this record was: what a mark of its user is compared with.
  asked_at timestamptz,
  record_asked_at timestamptz,
  ended_at timestamptz,
  -- What has ended keeps nothing of its user's.
  check ((record is null) = (ended_at is not null))
);
create index if not exists authflow_sessions_of_user on public.authflow_sessions (user_id) where ended_at is null;
create index if not exists authflow_sessions_over on public.authflow_sessions (expires_at);

-- What happened to all of a user's sessions, for those that are still to come here.
create table if not exists public.authflow_user_marks (
  user_id uuid primary key,
  -- All that were asked for until then have ended, but the one kept.
  ended_at timestamptz,
  kept text check (kept ~ '^[0-9a-f]{64}$'),
  -- Until then the kept one ended, too: by other orders, which did not keep it.
  kept_ended_at timestamptz,
  -- Records asked for until then have lost their second factor.
  lowered_at timestamptz
);

-- Changes that Redis missed.
create table if not exists public.authflow_owed (
  seq bigint generated always as identity primary key,
  change jsonb not null,
  owed_since timestamptz not null default now()
);

-- An end is owed once, however often it was told.
create unique index if not exists authflow_owed_ends on public.authflow_owed ((change ->> 'hash'))
  where change ->> 'kind' = 'ended';

create table if not exists public.authflow_state (
  one_row boolean primary key default true check (one_row),
  -- The last renewal that Redis missed.
  renewed_away_at timestamptz
);
insert into public.authflow_state default values on conflict do nothing;

-- Supabase gives the rights on new tables and functions to anon and authenticated, PostgreSQL those on functions to all.
alter table public.authflow_sessions enable row level security;
alter table public.authflow_user_marks enable row level security;
alter table public.authflow_owed enable row level security;
alter table public.authflow_state enable row level security;
revoke all on public.authflow_sessions, public.authflow_user_marks, public.authflow_owed, public.authflow_state
  from public, anon, authenticated;
revoke all on sequence public.authflow_owed_seq_seq from public, anon, authenticated;
grant select, insert, update, delete
  on public.authflow_sessions, public.authflow_user_marks, public.authflow_owed, public.authflow_state to service_role;
grant usage on sequence public.authflow_owed_seq_seq to service_role;

-- A moment of a change: absent, or no number, and the change is malformed.
create or replace function public.authflow_moment(change jsonb, field text) returns timestamptz
language plpgsql immutable security invoker set search_path = '' as $$
begin
  if jsonb_typeof(change -> field) is distinct from 'number' then
    raise exception 'a change of the kind % needs % as a number', change ->> 'kind', field using errcode = '22023';
  end if;
  return to_timestamp((change -> field)::numeric / 1000);
end
$$;

-- The session with this hash, or null. (PL/pgSQL, because it keeps the plan: this is asked on every request of an outage.)
create or replace function public.authflow_find(hash text) returns jsonb
language plpgsql stable security invoker set search_path = '' as $$
begin
  return (
    select jsonb_build_object(
      'record', record,
      'created_at', floor(extract(epoch from created_at) * 1000),
      'expires_at', floor(extract(epoch from expires_at) * 1000),
      'idle_until', floor(extract(epoch from idle_until) * 1000),
      'known_since', floor(extract(epoch from known_since) * 1000),
      'ended_at', floor(extract(epoch from ended_at) * 1000)
    )
    from public.authflow_sessions where id_hash = hash
  );
end
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
end
$$;

create or replace function public.authflow_apply_saved(hash text, change jsonb) returns void
language plpgsql security invoker set search_path = '' as $$
declare
  new_record constant jsonb := change -> 'record';
  of_user constant uuid := new_record ->> 'user_id';
  created constant timestamptz := to_timestamp((new_record -> 'created_at')::numeric);
  expires constant timestamptz := to_timestamp((new_record -> 'expires_at')::numeric);
  asked constant timestamptz := public.authflow_moment(change, 'asked_at');
begin
  if of_user is null or created is null or expires is null then
    raise exception 'a record needs user_id, created_at and expires_at' using errcode = '22023';
  end if;
  insert into public.authflow_sessions as session
    (id_hash, user_id, record, created_at, expires_at, idle_until, known_since, saved_at, asked_at, record_asked_at)
  values (
    hash, of_user, new_record, created, expires,
    least(public.authflow_moment(change, 'idle_until'), expires),
    public.authflow_moment(change, 'saved_at'), public.authflow_moment(change, 'saved_at'),
    asked, asked
  )
  on conflict (id_hash) do update set
    record = case when session.saved_at > excluded.saved_at then session.record else excluded.record end,
    record_asked_at =
      case when session.saved_at > excluded.saved_at then session.record_asked_at else excluded.record_asked_at end,
    saved_at = greatest(session.saved_at, excluded.saved_at),
    idle_until = greatest(session.idle_until, excluded.idle_until),
    asked_at = least(session.asked_at, excluded.asked_at)
  where session.ended_at is null;
  perform public.authflow_apply_mark(of_user, hash);
end
$$;

create or replace function public.authflow_apply_ended(hash text, at timestamptz) returns void
language sql security invoker set search_path = '' as $$
  -- Where nothing is known of the session, its end is kept for as long as its record may still be on its way.
  insert into public.authflow_sessions as session (id_hash, expires_at, ended_at)
  values (hash, at + interval '7 days', at)
  on conflict (id_hash) do update set ended_at = excluded.ended_at, record = null where session.ended_at is null
$$;

create or replace function public.authflow_apply_ended_all(of_user uuid, but text, at timestamptz) returns void
language plpgsql security invoker set search_path = '' as $$
begin
  -- The newest order says which one is kept; any other order may have ended that one, too.
  insert into public.authflow_user_marks as mark (user_id, ended_at, kept) values (of_user, at, but)
  on conflict (user_id) do update set
    kept_ended_at = case
      when mark.ended_at is null or excluded.kept is not distinct from mark.kept then mark.kept_ended_at
      else greatest(mark.kept_ended_at, least(mark.ended_at, excluded.ended_at))
    end,
    kept = case when excluded.ended_at <= mark.ended_at then mark.kept else excluded.kept end,
    ended_at = greatest(mark.ended_at, excluded.ended_at);
  perform public.authflow_apply_mark(of_user, null);
end
$$;

create or replace function public.authflow_apply_lowered(of_user uuid, at timestamptz) returns void
language plpgsql security invoker set search_path = '' as $$
begin
  insert into public.authflow_user_marks as mark (user_id, lowered_at) values (of_user, at)
  on conflict (user_id) do update set lowered_at = greatest(mark.lowered_at, excluded.lowered_at);
  perform public.authflow_apply_mark(of_user, null);
end
$$;

-- Applies a list of changes in its order: all, or, if one is malformed, none. With `owed` Redis has missed them.
-- Whoever waits longer for a lock than a worker waits for an answer would only keep others waiting.
create or replace function public.authflow_apply(changes jsonb, owed boolean) returns void
language plpgsql security invoker set search_path = '' set lock_timeout = '800ms' as $$
declare
  change jsonb;
  kind text;
  hash text;
  of_user uuid;
begin
  if jsonb_typeof(changes) is distinct from 'array' or owed is null then
    raise exception 'changes is a list, and owed true or false' using errcode = '22023';
  end if;
  -- One change of one session goes on beside others such. What touches several sessions has the tables to itself: else it
  -- could miss a session that is being written, or two of them could wait for each other.
  if jsonb_array_length(changes) = 1 and changes -> 0 ->> 'kind' in ('saved', 'renewed', 'restored', 'ended') then
    perform pg_advisory_xact_lock_shared(1635087464, 1);
  else
    perform pg_advisory_xact_lock(1635087464, 1);
  end if;

  for change in select value from jsonb_array_elements(changes) loop
    kind := change ->> 'kind';
    hash := change ->> 'hash';
    of_user := change ->> 'user_id';
    if kind in ('saved', 'renewed', 'restored', 'ended') then
      if hash is null or hash !~ '^[0-9a-f]{64}$' then
        raise exception 'a change of the kind % needs a hash', kind using errcode = '22023';
      end if;
    elsif kind in ('ended_all', 'lowered') then
      if of_user is null then
        raise exception 'a change of the kind % needs a user_id', kind using errcode = '22023';
      end if;
    end if;

    case kind
      when 'saved' then
        perform public.authflow_apply_saved(hash, change);
      when 'renewed' then
        update public.authflow_sessions
          set idle_until = least(greatest(idle_until, public.authflow_moment(change, 'idle_until')), expires_at)
          where id_hash = hash and ended_at is null;
      when 'restored' then
        update public.authflow_sessions
          set known_since = greatest(known_since, public.authflow_moment(change, 'at'))
          where id_hash = hash;
      when 'ended' then
        perform public.authflow_apply_ended(hash, public.authflow_moment(change, 'at'));
      when 'ended_all' then
        perform public.authflow_apply_ended_all(of_user, change ->> 'kept', public.authflow_moment(change, 'at'));
      when 'lowered' then
        perform public.authflow_apply_lowered(of_user, public.authflow_moment(change, 'at'));
      else
        raise exception 'unknown kind of change: %', kind using errcode = '22023';
    end case;

    if owed and kind in ('ended', 'ended_all') then
      insert into public.authflow_owed (change) values (change) on conflict do nothing;
    elsif owed and kind = 'renewed' then
      update public.authflow_state set renewed_away_at = greatest(renewed_away_at, now());
    end if;
  end loop;
end
$$;

-- What Redis missed, oldest first.
create or replace function public.authflow_owed(most integer) returns jsonb
language sql stable security invoker set search_path = '' as $$
  select jsonb_build_object(
    'changes', coalesce((
      select jsonb_agg(jsonb_build_object('seq', seq, 'change', change) order by seq)
      from (select seq, change from public.authflow_owed order by seq limit most) as oldest
    ), '[]'),
    'renewed_away_at', (select floor(extract(epoch from renewed_away_at) * 1000) from public.authflow_state)
  )
$$;

-- Redis has them now.
create or replace function public.authflow_settled(seqs jsonb) returns void
language sql security invoker set search_path = '' as $$
  delete from public.authflow_owed where seq in (select value::bigint from jsonb_array_elements(seqs))
$$;

-- Deletes what nothing asks for any more, and says how many rows. What another writes to at the moment waits for the next time.
create or replace function public.authflow_clean_up() returns integer
language sql security invoker set search_path = '' as $$
  with
    sessions as (
      delete from public.authflow_sessions where id_hash in (
        select id_hash from public.authflow_sessions where expires_at < now() - interval '7 days'
        for update skip locked
      ) returning 1
    ),
    marks as (
      delete from public.authflow_user_marks where user_id in (
        select user_id from public.authflow_user_marks
        where greatest(ended_at, lowered_at) < now() - interval '7 days'
        for update skip locked
      ) returning 1
    )
  select ((select count(*) from sessions) + (select count(*) from marks))::integer
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
