"use server";

import { revalidatePath } from "next/cache";

import { currentUser } from "@/lib/authflow";
import { keepNote } from "@/lib/notes";

/** An action is an address of its own: it asks who calls, and does not leave that to the page its form is on. */
export async function saveNote(form: FormData) {
  const user = await currentUser();
  keepNote(user.id, String(form.get("note") ?? ""));
  revalidatePath("/");
}
