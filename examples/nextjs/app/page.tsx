import { saveNote } from "@/app/actions";
import { currentUser } from "@/lib/authflow";
import { noteOf } from "@/lib/notes";

export default async function Page() {
  const user = await currentUser();
  return (
    <>
      <header>
        <span>
          Signed in as <b>{user.email}</b>
        </span>
        {/* Both belong to AuthFlow, so they are plain links and forms, and none that Next would handle itself. */}
        <a href="/auth/account">Account</a>
        <form method="post" action="/auth/signout?next=/">
          <input type="hidden" name="next" value="/" />
          <button>Sign out</button>
        </form>
      </header>
      <main>
        <h1>Your note</h1>
        <form action={saveNote}>
          <textarea name="note" aria-label="Your note" rows={4} maxLength={500} defaultValue={noteOf(user.id)} />
          <button>Save</button>
        </form>
        <p>{user.role === "admin" ? <a href="/api/admin">What only admins read</a> : `Your role is ${user.role}.`}</p>
      </main>
    </>
  );
}
